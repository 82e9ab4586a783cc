/// A canonical Huffman code as deflate uses it.
///
/// Source: RFC 1951, 3.2.2.
struct HuffmanCode {
  /// Bits of each symbol, 0 for one that cannot be written.
  let lengths: [UInt8]
  /// The code of each symbol, its first bit lowest, as deflate sends it.
  let codes: [UInt32]

  /// The shortest code for symbols that occur `counts` times, with at most `limit` bits a symbol.
  init(counts: [Int], limit: UInt8) {
    var weights = counts
    var lengths = HuffmanCode.lengths(weights)
    // Flatter weights give a flatter tree; equal ones give the flattest.
    while lengths.contains(where: { $0 > limit }) {
      weights = weights.map { ($0 + 1) / 2 }
      lengths = HuffmanCode.lengths(weights)
    }
    self.lengths = lengths
    codes = HuffmanCode.canonical(lengths)
  }

  /// Merges the two lightest nodes until one is left; both queues ascend, so no heap is needed.
  private static func lengths(_ weights: [Int]) -> [UInt8] {
    let leaves = weights.indices.filter { weights[$0] > 0 }.sorted { weights[$0] < weights[$1] }
    var result = [UInt8](repeating: 0, count: weights.count)
    guard leaves.count > 1 else {
      for leaf in leaves { result[leaf] = 1 }
      return result
    }
    var weight = leaves.map { weights[$0] }
    var parent = [Int](repeating: 0, count: leaves.count * 2 - 1)
    var (leaf, inner) = (0, leaves.count)
    func lightest() -> Int {
      if leaf < leaves.count, inner >= weight.count || weight[leaf] <= weight[inner] {
        leaf += 1
        return leaf - 1
      }
      inner += 1
      return inner - 1
    }
    while weight.count < parent.count {
      let (left, right) = (lightest(), lightest())
      parent[left] = weight.count
      parent[right] = weight.count
      weight.append(weight[left] + weight[right])
    }
    var depth = [UInt8](repeating: 0, count: parent.count)
    for node in (0..<(parent.count - 1)).reversed() { depth[node] = depth[parent[node]] &+ 1 }
    for (number, symbol) in leaves.enumerated() { result[symbol] = depth[number] }
    return result
  }

  private static func canonical(_ lengths: [UInt8]) -> [UInt32] {
    var codes = [UInt32](repeating: 0, count: lengths.count)
    var next: UInt32 = 0
    for length in 1...UInt8(15) {
      next <<= 1
      for symbol in lengths.indices where lengths[symbol] == length {
        var (rest, reversed) = (next, UInt32(0))
        for _ in 0..<length {
          reversed = reversed << 1 | rest & 1
          rest >>= 1
        }
        codes[symbol] = reversed
        next += 1
      }
    }
    return codes
  }
}

/// Writes bits, the first one lowest, at memory that has eight spare bytes at its end.
struct BitWriter {
  private(set) var position: UnsafeMutablePointer<UInt8>
  private var buffer: UInt64
  private var filled: UInt64

  /// - Parameter pending: bits of the byte at `position` that count already.
  init(at position: UnsafeMutablePointer<UInt8>, pending: (bits: UInt8, count: Int) = (0, 0)) {
    self.position = position
    buffer = UInt64(pending.bits)
    filled = UInt64(pending.count)
  }

  /// At most 48 bits at once.
  @inline(__always)
  mutating func put(_ bits: UInt64, _ count: UInt64) {
    buffer |= bits &<< filled
    filled &+= count
    UnsafeMutableRawPointer(position).storeBytes(of: buffer.littleEndian, as: UInt64.self)
    position += Int(filled &>> 3)
    buffer &>>= filled & ~7
    filled &= 7
  }

  /// The bits of the last byte that is not full.
  var pending: (bits: UInt8, count: Int) { (UInt8(truncatingIfNeeded: buffer), Int(filled)) }

  /// Fills the last byte up with zeros and goes behind it.
  mutating func align() { if filled > 0 { put(0, 8 - filled) } }
}
