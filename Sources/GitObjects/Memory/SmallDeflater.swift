import CDeflate
import Foundation

/// Compresses many small streams that resemble each other: commits, deltas of trees.
///
/// A general compressor clears its tables (128 KB and more) and makes a code for every stream, which takes ten times as long
/// as compressing half a kilobyte. This one counts the symbols of the first streams, makes one code, and writes all others
/// with it. Any inflater reads the result. One per thread and kind of content.
///
/// Source: RFC 1950, RFC 1951.
final class SmallDeflater {
  /// Longer streams are worth a code of their own.
  static let largest = 2048
  private static let streamsToLearnFrom = 96
  private static let hashBits: UInt32 = 11
  private static let shortestMatch = 5
  private static let longestMatch = 258

  /// A literal byte, or a mark with a match's length << 16 and distance.
  private let tokens = Column<UInt32>(0, count: largest)
  private static let matchMark: UInt32 = 1 << 31
  /// Position + 1 of the last four bytes with that hash.
  private let heads = Column<UInt16>(0, count: 1 << Int(hashBits))
  // Every symbol counts once, so that each has a code.
  private var literalCounts = [Int](repeating: 1, count: 286)
  private var distanceCounts = [Int](repeating: 1, count: 30)
  private var learned = 0
  private var code: DeflateCode?

  /// Appends the zlib stream of `input` to `target` and returns its length; nil while the code is being learned, and when
  /// `input` is longer than ``largest``.
  func deflate(_ input: UnsafeBufferPointer<UInt8>, to target: ByteBuffer) -> Int? {
    guard let base = input.baseAddress, input.count <= SmallDeflater.largest else { return nil }
    let count = tokenize(base, input.count)
    guard let code else {
      learn(count)
      return nil
    }
    target.reserve(target.count + input.count * 2 + code.header.count + 64)
    let start = target.base + target.count
    start[0] = 0x78
    start[1] = 0x01
    var end = code.write(tokens.values, count, at: start + 2)
    if end - start > input.count + 7 { end = SmallDeflater.store(base, input.count, at: start + 2) }
    let checksum = libdeflate_adler32(1, base, input.count)
    UnsafeMutableRawPointer(end).storeBytes(of: checksum.bigEndian, as: UInt32.self)
    let written = end + 4 - start
    target.count += written
    return written
  }

  /// One block that is not compressed.
  private static func store(
    _ input: UnsafePointer<UInt8>, _ count: Int, at target: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let (low, high) = (UInt8(count & 255), UInt8(count >> 8))
    target[0] = 1
    (target[1], target[2], target[3], target[4]) = (low, high, ~low, ~high)
    memcpy(target + 5, input, count)
    return target + 5 + count
  }

  private func learn(_ count: Int) {
    for number in 0..<count {
      let token = tokens[number]
      guard token & SmallDeflater.matchMark != 0 else {
        literalCounts[Int(token)] += 1
        continue
      }
      literalCounts[DeflateCode.length(Int(token >> 16 & 0x1FF)).symbol] += 1
      distanceCounts[DeflateCode.distance(Int(token & 0xFFFF)).symbol] += 1
    }
    literalCounts[256] += 1
    learned += 1
    if learned == SmallDeflater.streamsToLearnFrom {
      code = DeflateCode(literals: literalCounts, distances: distanceCounts)
    }
  }

  @inline(__always)
  private static func hash(_ word: UInt32) -> Int { Int((word &* 0x9E37_79B1) >> (32 - hashBits)) }

  /// Greedy matches with the last place of the same four bytes; returns the number of tokens.
  private func tokenize(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let (heads, tokens) = (heads.values, tokens.values)
    memset(heads, 0, MemoryLayout<UInt16>.stride << Int(SmallDeflater.hashBits))
    @inline(__always) func word(_ position: Int) -> UInt32 {
      UnsafeRawPointer(base + position).loadUnaligned(as: UInt32.self)
    }
    var position = 0
    var written = 0
    while position + SmallDeflater.shortestMatch <= count {
      let here = word(position)
      let slot = SmallDeflater.hash(here)
      let candidate = Int(heads[slot]) - 1
      heads[slot] = UInt16(truncatingIfNeeded: position + 1)
      var length = 0
      if candidate >= 0, word(candidate) == here {
        let limit = min(SmallDeflater.longestMatch, count - position)
        length = 4
        while length < limit, base[candidate + length] == base[position + length] { length += 1 }
      }
      if length >= SmallDeflater.shortestMatch {
        tokens[written] = SmallDeflater.matchMark | UInt32(length) << 16 | UInt32(position - candidate)
        let end = min(position + length, count - 3)
        for next in (position + 1)..<max(end, position + 1) {
          heads[SmallDeflater.hash(word(next))] = UInt16(truncatingIfNeeded: next + 1)
        }
        position += length
      } else {
        tokens[written] = UInt32(base[position])
        position += 1
      }
      written += 1
    }
    while position < count {
      tokens[written] = UInt32(base[position])
      position += 1
      written += 1
    }
    return written
  }
}

/// A block with dynamic codes whose header is ready made.
struct DeflateCode {
  /// Final block, type 2, and both codes: full bytes, then the bits that remain.
  let header: [UInt8]
  private let rest: (bits: UInt8, count: Int)
  private let literals: HuffmanCode
  private let distances: HuffmanCode

  // RFC 1951, 3.2.7: the order in which the lengths of the code for lengths are sent.
  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  /// - Parameters:
  ///   - literals: how often each of 286 symbols occurs, all at least once.
  ///   - distances: the same for 30 symbols.
  init(literals literalCounts: [Int], distances distanceCounts: [Int]) {
    literals = HuffmanCode(counts: literalCounts, limit: 15)
    distances = HuffmanCode(counts: distanceCounts, limit: 15)
    let runs = DeflateCode.runs(literals.lengths + distances.lengths)
    var counts = [Int](repeating: 0, count: 19)
    for run in runs { counts[run.symbol] += 1 }
    let lengthCode = HuffmanCode(counts: counts, limit: 7)
    var bytes = [UInt8](repeating: 0, count: 512)
    let (used, pending) = bytes.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return (0, (UInt8(0), 0)) }
      var writer = BitWriter(at: base)
      writer.put(0b101, 3)
      writer.put(UInt64(literalCounts.count - 257), 5)
      writer.put(UInt64(distanceCounts.count - 1), 5)
      writer.put(19 - 4, 4)
      for symbol in DeflateCode.order { writer.put(UInt64(lengthCode.lengths[symbol]), 3) }
      for run in runs {
        writer.put(UInt64(lengthCode.codes[run.symbol]), UInt64(lengthCode.lengths[run.symbol]))
        if run.symbol == 16 { writer.put(UInt64(run.repeats - 3), 2) }
      }
      return (writer.position - base, writer.pending)
    }
    header = Array(bytes[..<used])
    rest = pending
  }

  /// Lengths, and symbol 16 for three to six repetitions of the last one. None is zero, so 17 and 18 are not needed.
  private static func runs(_ lengths: [UInt8]) -> [(symbol: Int, repeats: Int)] {
    var result: [(symbol: Int, repeats: Int)] = []
    var position = 0
    while position < lengths.count {
      var end = position + 1
      while end < lengths.count, lengths[end] == lengths[position] { end += 1 }
      result.append((Int(lengths[position]), 0))
      position += 1
      while end - position >= 3 {
        let repeats = min(6, end - position)
        result.append((16, repeats))
        position += repeats
      }
    }
    return result
  }

  /// Symbol, number of extra bits and their value for a match of `length` bytes.
  @inline(__always)
  static func length(_ length: Int) -> (symbol: Int, extra: Int, value: Int) {
    let rest = length - 3
    if rest < 8 { return (257 + rest, 0, 0) }
    if rest == 255 { return (285, 0, 0) }
    let extra = Int.bitWidth - 1 - rest.leadingZeroBitCount - 2
    return (261 + 4 * extra + (rest >> extra & 3), extra, rest & (1 << extra - 1))
  }

  /// Symbol, number of extra bits and their value for a match that starts `distance` bytes back.
  @inline(__always)
  static func distance(_ distance: Int) -> (symbol: Int, extra: Int, value: Int) {
    let rest = distance - 1
    if rest < 4 { return (rest, 0, 0) }
    let top = Int.bitWidth - 1 - rest.leadingZeroBitCount
    return (2 * top + (rest >> (top - 1) & 1), top - 1, rest & (1 << (top - 1) - 1))
  }

  /// Writes the block at `target`; returns the place behind it.
  func write(
    _ tokens: UnsafePointer<UInt32>, _ count: Int, at target: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    header.withUnsafeBufferPointer { bytes in
      if let base = bytes.baseAddress { memcpy(target, base, bytes.count) }
    }
    return literals.codes.withUnsafeBufferPointer { literalCodes in
      literals.lengths.withUnsafeBufferPointer { literalLengths in
        var writer = BitWriter(at: target + header.count, pending: rest)
        for number in 0..<count {
          let token = tokens[number]
          if token < 256 {
            writer.put(UInt64(literalCodes[Int(token)]), UInt64(literalLengths[Int(token)]))
            continue
          }
          let length = DeflateCode.length(Int(token >> 16 & 0x1FF))
          writer.put(UInt64(literalCodes[length.symbol]), UInt64(literalLengths[length.symbol]))
          writer.put(UInt64(length.value), UInt64(length.extra))
          let distance = DeflateCode.distance(Int(token & 0xFFFF))
          writer.put(UInt64(distances.codes[distance.symbol]), UInt64(distances.lengths[distance.symbol]))
          writer.put(UInt64(distance.value), UInt64(distance.extra))
        }
        writer.put(UInt64(literalCodes[256]), UInt64(literalLengths[256]))
        writer.align()
        return writer.position
      }
    }
  }
}
