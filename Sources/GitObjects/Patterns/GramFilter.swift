import Foundation

/// Finds any of many short byte strings ("probes") in a long text at several bytes a nanosecond.
///
/// All probes have one length m = gram + stride − 1. Whatever the text's alignment, a probe in it covers one whole gram at a
/// position that is a multiple of `stride`; so only those positions are looked up, in a bit table that fits the cache. Each
/// probe is entered `stride` times, once for each alignment. The loads do not depend on each other (in Wu-Manber's shift
/// loop they do), which is why a thousand probes cost what one costs.
final class GramFilter: Sendable {
  /// A probe that may start at a position of the text: which one, and where.
  struct Candidate {
    let probe: Int
    let start: Int
  }

  let length: Int
  private let stride: Int
  private let gram: Int
  private let mask: UInt64
  private let shift: UInt64
  private let bits: Column<UInt64>
  /// The first entry of the chain of all grams that fall into a slot; -1: none does.
  private let slots: Column<Int32>
  private let slotMask: Int
  private let chain: Column<Link>
  private let probes: Column<UInt8>

  private struct Link: BitwiseCopyable {
    var probe: Int32
    var offset: Int32
    var next: Int32
  }

  /// - Parameter list: at least one probe, all of `length` bytes, `length` at least 1.
  init(_ list: [[UInt8]], length: Int) {
    self.length = length
    gram = length >= 8 ? (length + 1) / 2 : min(4, length)
    stride = length - gram + 1
    mask = gram == 8 ? .max : (1 << UInt64(gram * 8)) - 1
    let grams = list.count * stride
    var bitCount = 1 << 15
    while bitCount < grams * 32, bitCount < 1 << 22 { bitCount *= 2 }
    shift = UInt64(64 - (bitCount / 64).trailingZeroBitCount)
    bits = Column(0, count: bitCount / 64)
    var slotCount = 64
    while slotCount < grams * 2 { slotCount *= 2 }
    slots = Column(-1, count: slotCount)
    slotMask = slotCount - 1
    chain = Column(Link(probe: 0, offset: 0, next: -1), count: grams)
    probes = Column(0, count: list.count * length)
    for (number, probe) in list.enumerated() { enter(probe, number) }
  }

  private func enter(_ probe: [UInt8], _ number: Int) {
    for (position, byte) in probe.enumerated() { probes[number * length + position] = byte }
    for offset in 0..<stride {
      var key: UInt64 = 0
      for position in (0..<gram).reversed() { key = key << 8 | UInt64(probe[offset + position]) }
      let hash = key &* GramFilter.multiplier
      bits[Int(truncatingIfNeeded: hash &>> shift)] |= GramFilter.pair(hash, shift)
      let slot = slotIndex(key)
      let link = number * stride + offset
      chain[link] = Link(probe: Int32(number), offset: Int32(offset), next: slots[slot])
      slots[slot] = Int32(link)
    }
  }

  // An odd constant with well-mixed bits (2^64 divided by the golden ratio).
  private static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Two bits of a gram's word: with twenty forms of a thousand secrets in the table one bit lets a tenth of all text pass,
  /// two in the same word three in a hundred, for no second look into memory.
  @inline(__always)
  private static func pair(_ hash: UInt64, _ shift: UInt64) -> UInt64 {
    // A shift that is checked at run time takes three more instructions, at every look.
    1 &<< (hash &>> (shift &- 6)) | 1 &<< (hash &>> (shift &- 12))
  }

  @inline(__always)
  private func slotIndex(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* GramFilter.multiplier) >> 20) & slotMask
  }

  /// Whether a probe lies wholly within `text[start..<end]`.
  @inline(__always)
  func finds(in text: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Bool {
    next(in: text, from: start, to: end, after: start) != nil
  }

  /// Calls `body` with every probe that lies in `text`, in order of the gram that gave it away.
  func forEach(in text: UnsafeBufferPointer<UInt8>, _ body: (Candidate) -> Void) {
    guard let base = text.baseAddress, text.count >= length else { return }
    var position = 0
    while let found = next(in: base, from: 0, to: text.count, after: position) {
      var link = found.link
      while link >= 0 {
        let entry = chain[link]
        let begin = found.position - Int(entry.offset)
        if matches(entry, begin, base, 0, text.count) {
          body(Candidate(probe: Int(entry.probe), start: begin))
        }
        link = Int(entry.next)
      }
      position = found.position + stride
    }
  }

  /// The first looked-up position from `first` on at which a probe is confirmed.
  @inline(__always)
  private func next(in text: UnsafePointer<UInt8>, from start: Int, to end: Int, after first: Int) -> (
    position: Int, link: Int
  )? {
    guard end - start >= length else { return nil }
    let wide = end &- 8
    var position = first
    while true {
      position = GramFilter.skip(
        UnsafeRawPointer(text), from: position, through: wide, by: stride, mask, shift, bits.values)
      guard position <= wide else { break }
      let key = UnsafeRawPointer(text).loadUnaligned(fromByteOffset: position, as: UInt64.self) & mask
      if let link = confirmed(key, position, text, start, end) { return (position, link) }
      position &+= stride
    }
    while position <= end - gram {
      var key: UInt64 = 0
      for offset in 0..<gram { key |= UInt64(text[position + offset]) &<< UInt64(offset &* 8) }
      if let link = confirmed(key, position, text, start, end) { return (position, link) }
      position += stride
    }
    return nil
  }

  /// The first of the positions `from`, `from + stride` … whose gram may be a probe's; one beyond `last` when none is.
  ///
  /// Never inlined: in a function of its own all of the loop stays in registers.
  @inline(never)
  private static func skip(
    _ text: UnsafeRawPointer, from first: Int, through last: Int, by stride: Int, _ mask: UInt64,
    _ shift: UInt64, _ table: UnsafeMutablePointer<UInt64>
  ) -> Int {
    var position = first
    // Two looks at once: neither waits for the other's memory.
    while position &+ stride <= last {
      let (low, high) = (text + position, text + (position &+ stride))
      let one = (low.loadUnaligned(as: UInt64.self) & mask) &* multiplier
      let two = (high.loadUnaligned(as: UInt64.self) & mask) &* multiplier
      let (first, second) = (pair(one, shift), pair(two, shift))
      let isFirst = table[Int(truncatingIfNeeded: one &>> shift)] & first == first
      let isSecond = table[Int(truncatingIfNeeded: two &>> shift)] & second == second
      if isFirst || isSecond { return isFirst ? position : position &+ stride }
      position &+= 2 &* stride
    }
    guard position <= last else { return position }
    let hash = ((text + position).loadUnaligned(as: UInt64.self) & mask) &* multiplier
    let pair = pair(hash, shift)
    return table[Int(truncatingIfNeeded: hash &>> shift)] & pair == pair ? position : position &+ stride
  }

  /// The chain in which `key` is, when one of its probes really stands around `position`.
  private func confirmed(
    _ key: UInt64, _ position: Int, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int
  ) -> Int? {
    let first = Int(slots[slotIndex(key)])
    var link = first
    while link >= 0 {
      let entry = chain[link]
      if matches(entry, position - Int(entry.offset), text, start, end) { return first }
      link = Int(entry.next)
    }
    return nil
  }

  @inline(__always)
  private func matches(
    _ entry: Link, _ begin: Int, _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int
  ) -> Bool {
    begin >= start && begin + length <= end
      && memcmp(text + begin, probes.values + Int(entry.probe) * length, length) == 0
  }
}
