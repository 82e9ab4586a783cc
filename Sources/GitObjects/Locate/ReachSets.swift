/// Which of many sources each node of an acyclic graph leads to, as bit sets: one pass over the edges for as many sources
/// as the memory allows, not one for each.
struct ReachGraph {
  /// Nodes stand behind everything that they point to.
  private(set) var count = 0
  private var starts: [Int] = [0]
  private var edges: [UInt32] = []

  /// Adds a node that points to `children`, all of them added before.
  /// - Returns: its number.
  mutating func add(_ children: some Sequence<UInt32>) -> UInt32 {
    edges.append(contentsOf: children)
    starts.append(edges.count)
    count += 1
    return UInt32(count - 1)
  }

  /// For each source, which of the sinks lead to it.
  ///
  /// - Parameters:
  ///   - memory: bytes for the sets of all nodes at one time.
  ///   - body: gets the place of a source among `sources`, and a bit for each place among `sinks`.
  func sinks(
    _ sinks: [UInt32], leadingTo sources: [UInt32], memory: Int = 32 << 20, _ body: (Int, [UInt64]) -> Void
  ) {
    let most = max(1, memory / 8 / max(1, count))
    let width = min(most, (sources.count + 63) / 64)
    guard width > 0 else { return }
    let sets = Column<UInt64>(0, count: count * width)
    for first in stride(from: 0, to: sources.count, by: width * 64) {
      let batch = first..<min(sources.count, first + width * 64)
      if first > 0 { sets.values.update(repeating: 0, count: sets.count) }
      for source in batch {
        let bit = source - first
        sets[Int(sources[source]) * width + bit >> 6] |= 1 << UInt64(bit & 63)
      }
      spread(sets, width)
      report(sinks, batch, sets, width, body)
    }
  }

  private func spread(_ sets: Column<UInt64>, _ width: Int) {
    for node in 0..<count {
      let target = sets.values + node * width
      for edge in starts[node]..<starts[node + 1] {
        let source = sets.values + Int(edges[edge]) * width
        for word in 0..<width { target[word] |= source[word] }
      }
    }
  }

  /// Turns sets of sources by sink into sets of sinks by source, 64 × 64 at a time.
  private func report(
    _ sinks: [UInt32], _ batch: Range<Int>, _ sets: Column<UInt64>, _ width: Int,
    _ body: (Int, [UInt64]) -> Void
  ) {
    let length = (sinks.count + 63) / 64
    for word in 0..<width {
      let first = batch.lowerBound + word * 64
      guard first < batch.upperBound else { return }
      var rows = [[UInt64]](repeating: [UInt64](repeating: 0, count: length), count: 64)
      for part in 0..<length {
        var block = [UInt64](repeating: 0, count: 64)
        for place in 0..<min(64, sinks.count - part * 64) {
          block[place] = sets[Int(sinks[part * 64 + place]) * width + word]
        }
        BitBlock.transpose(&block)
        for place in 0..<64 { rows[place][part] = block[place] }
      }
      for place in 0..<min(64, batch.upperBound - first) { body(first + place, rows[place]) }
    }
  }
}

/// 64 × 64 bits.
enum BitBlock {
  /// Makes bit `j` of word `i` bit `i` of word `j`. Source: Hacker's Delight, 7-3.
  static func transpose(_ block: inout [UInt64]) {
    var width = 32
    var mask: UInt64 = 0x0000_0000_FFFF_FFFF
    while width > 0 {
      var row = 0
      while row < 64 {
        let swapped = (block[row] >> UInt64(width) ^ block[row + width]) & mask
        block[row] ^= swapped << UInt64(width)
        block[row + width] ^= swapped
        row = (row + width + 1) & ~width
      }
      width >>= 1
      mask ^= mask << UInt64(width)
    }
  }
}

extension Sequence where Element == UInt64 {
  /// The numbers of the bits that are set, ascending.
  var members: [Int] {
    var found: [Int] = []
    for (number, word) in enumerated() {
      var rest = word
      while rest != 0 {
        found.append(number * 64 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
    return found
  }
}
