import Foundation

/// A delta's instructions, checked one by one: copies from the base and inserted bytes.
///
/// Source: gitformat-pack(5), "Deltified representation".
struct DeltaOperations {
  enum Operation {
    case copy(offset: Int, count: Int)
    /// Where in the delta the inserted bytes stand.
    case insert(at: Int, count: Int)
  }

  let delta: UnsafeBufferPointer<UInt8>
  let baseSize: Int
  let resultSize: Int
  private var position: Int

  /// Nil when the two sizes at the start are broken.
  @inline(__always)
  init?(_ delta: UnsafeBufferPointer<UInt8>) {
    var position = 0
    guard let base = DeltaOperations.number(delta, &position),
      let result = DeltaOperations.number(delta, &position)
    else { return nil }
    self.delta = delta
    baseSize = base
    resultSize = result
    self.position = position
  }

  @inline(__always)
  private static func number(_ delta: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> Int? {
    var value = 0
    var shift = 0
    while position < delta.count, shift < 56 {
      let byte = delta[position]
      position += 1
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  enum Step {
    case operation(Operation)
    case end
    case broken
  }

  /// The next instruction. Offsets and counts lie inside of base and delta.
  @inline(__always)
  mutating func next() -> Step {
    guard position < delta.count else { return .end }
    let code = delta[position]
    position += 1
    guard code & 0x80 != 0 else {
      let count = Int(code)
      guard count > 0, position + count <= delta.count else { return .broken }
      defer { position += count }
      return .operation(.insert(at: position, count: count))
    }
    var offset = 0
    var count = 0
    let needed = (code & 0x7F).nonzeroBitCount
    guard position + needed <= delta.count else { return .broken }
    if code & 0x01 != 0 { offset = Int(take()) }
    if code & 0x02 != 0 { offset |= Int(take()) << 8 }
    if code & 0x04 != 0 { offset |= Int(take()) << 16 }
    if code & 0x08 != 0 { offset |= Int(take()) << 24 }
    if code & 0x10 != 0 { count = Int(take()) }
    if code & 0x20 != 0 { count |= Int(take()) << 8 }
    if code & 0x40 != 0 { count |= Int(take()) << 16 }
    if count == 0 { count = 0x10000 }
    guard offset + count <= baseSize else { return .broken }
    return .operation(.copy(offset: offset, count: count))
  }

  @inline(__always)
  private mutating func take() -> UInt8 {
    defer { position += 1 }
    return delta[position]
  }

  /// Most pieces are short: a copy of fixed size is two moves, not a call, and what follows overwrites the surplus.
  @inline(__always)
  private static func copy32(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>) {
    let bytes = UnsafeRawPointer(source).loadUnaligned(as: SIMD32<UInt8>.self)
    UnsafeMutableRawPointer(target).storeBytes(of: bytes, as: SIMD32<UInt8>.self)
  }

  /// Builds the result from `base` into `target`, which has room for ``resultSize``; false when the delta is broken.
  @inline(__always)
  consuming func apply(to base: UnsafeBufferPointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) -> Bool
  {
    guard base.count == baseSize else { return false }
    var written = 0
    while true {
      switch next() {
      case .operation(.copy(let offset, let count)):
        guard written + count <= resultSize, let start = base.baseAddress else { return false }
        if count <= 32, offset + 32 <= baseSize, written + 32 <= resultSize {
          DeltaOperations.copy32(start + offset, target + written)
        } else {
          memcpy(target + written, start + offset, count)
        }
        written += count
      case .operation(.insert(let at, let count)):
        guard written + count <= resultSize, let start = delta.baseAddress else { return false }
        if count <= 32, at + 32 <= delta.count, written + 32 <= resultSize {
          DeltaOperations.copy32(start + at, target + written)
        } else {
          memcpy(target + written, start + at, count)
        }
        written += count
      case .end: return written == resultSize
      case .broken: return false
      }
    }
  }
}
