/// What a delta makes of a base, read where it is wanted: neither the base nor the result lies in memory.
final class DeltaContent: ObjectContent {
  let count: Int
  private let base: any ObjectContent
  private let delta: any ObjectContent
  private let what: String
  private var instructions: InstructionBuffer
  /// Every so many instructions: where one stands in the delta and what it gives in the result. Ascending.
  private var marks: [Place] = []
  /// The instruction that was read last.
  private var current: Place

  private struct Place {
    var delta: Int
    var result: Int
  }
  private static let spacing = 1024

  /// Checks every instruction once.
  /// - Throws: `.corrupt` when the delta does not fit `base`.
  init(_ delta: any ObjectContent, on base: any ObjectContent, what: String) throws(GitObjectsError) {
    self.delta = delta
    self.base = base
    self.what = what
    instructions = InstructionBuffer(delta)
    let broken = GitObjectsError.corrupt(what, "its delta does not fit its base")
    var position = 0
    guard let expected = try instructions.number(&position), let size = try instructions.number(&position),
      expected == base.count
    else { throw broken }
    count = size
    var place = Place(delta: position, result: 0)
    current = place
    var number = 0
    while place.delta < delta.count {
      if number % DeltaContent.spacing == 0 { marks.append(place) }
      number += 1
      guard let step = try instructions.step(at: place.delta, baseSize: expected) else { throw broken }
      place = Place(delta: step.next, result: place.result + step.count)
      guard place.result <= size else { throw broken }
    }
    guard place.result == size else { throw broken }
  }

  func read(at offset: Int, _ count: Int, to target: UnsafeMutablePointer<UInt8>) throws(GitObjectsError) {
    guard count > 0 else { return }
    let end = offset + count
    var place = start(for: offset)
    while true {
      guard let step = try instructions.step(at: place.delta, baseSize: base.count) else {
        throw .corrupt(what, "its delta does not fit its base")
      }
      let after = place.result + step.count
      if after > offset {
        let first = max(offset, place.result)
        let piece = min(end, after) - first
        let source = step.source + first - place.result
        if step.isCopy {
          try base.read(at: source, piece, to: target + (first - offset))
        } else {
          try delta.read(at: source, piece, to: target + (first - offset))
        }
      }
      current = place
      if after >= end { return }
      place = Place(delta: step.next, result: after)
    }
  }

  /// The last known instruction that does not lie behind `offset`.
  private func start(for offset: Int) -> Place {
    var low = 0
    var high = marks.count
    while low < high {
      let middle = (low + high) / 2
      if marks[middle].result <= offset { low = middle + 1 } else { high = middle }
    }
    let mark = marks[max(0, low - 1)]
    return current.result <= offset && current.result >= mark.result ? current : mark
  }
}

/// Reads a delta's instructions through a piece of it. Source: gitformat-pack(5), "Deltified representation".
private struct InstructionBuffer {
  struct Step {
    let isCopy: Bool
    /// Where the bytes stand, in the base or in the delta.
    let source: Int
    let count: Int
    /// Where the next instruction stands.
    let next: Int
  }

  private let delta: any ObjectContent
  private let buffer = ByteBuffer(capacity: InstructionBuffer.size)
  private var start = 0
  private static let size = 1 << 14

  init(_ delta: any ObjectContent) { self.delta = delta }

  /// Nil at the end.
  private mutating func byte(_ position: Int) throws(GitObjectsError) -> UInt8? {
    guard position < delta.count else { return nil }
    if position < start || position >= start + buffer.count {
      let count = min(InstructionBuffer.size, delta.count - position)
      try delta.read(at: position, count, to: buffer.base)
      buffer.count = count
      start = position
    }
    return buffer.base[position - start]
  }

  mutating func number(_ position: inout Int) throws(GitObjectsError) -> Int? {
    var value = 0
    var shift = 0
    while shift < 56, let byte = try byte(position) {
      position += 1
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  /// Nil when it is broken or reaches beyond base or delta.
  mutating func step(at position: Int, baseSize: Int) throws(GitObjectsError) -> Step? {
    guard let code = try byte(position) else { return nil }
    guard code & 0x80 != 0 else {
      let count = Int(code)
      guard count > 0, position + 1 + count <= delta.count else { return nil }
      return Step(isCopy: false, source: position + 1, count: count, next: position + 1 + count)
    }
    var next = position + 1
    var offset = 0
    var count = 0
    for bit in 0..<7 where code & (1 << UInt8(bit)) != 0 {
      guard let byte = try byte(next) else { return nil }
      next += 1
      if bit < 4 { offset |= Int(byte) << (bit * 8) } else { count |= Int(byte) << ((bit - 4) * 8) }
    }
    if count == 0 { count = 0x10000 }
    guard offset + count <= baseSize else { return nil }
    return Step(isCopy: true, source: offset, count: count, next: next)
  }
}
