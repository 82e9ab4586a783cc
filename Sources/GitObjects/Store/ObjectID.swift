import Secrets

/// The name of a Git object: the 20 bytes of its SHA-1.
public struct ObjectID: Hashable, Comparable, Sendable, Codable, BitwiseCopyable, CustomStringConvertible {
  // Big-endian words, so that comparing words compares bytes.
  let high: UInt64
  let middle: UInt64
  let low: UInt32

  init(high: UInt64, middle: UInt64, low: UInt32) {
    self.high = high
    self.middle = middle
    self.low = low
  }

  /// Reads 20 bytes at `bytes`; any alignment.
  init(at bytes: UnsafeRawPointer) {
    high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    middle = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    low = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
  }

  /// The id in 20 raw bytes; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 20 else { return nil }
    let copy = Array(bytes)
    self = copy.withUnsafeBytes { buffer in
      buffer.baseAddress.map { ObjectID(at: $0) } ?? ObjectID.zero
    }
  }

  /// The id written as 40 hexadecimal digits; nil for anything else.
  public init?(hex: some StringProtocol) {
    guard hex.utf8.count == 40, let bytes = Hex.bytes(hex) else { return nil }
    self.init(bytes: bytes)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let id = ObjectID(hex: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not 40 hexadecimal digits")
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }

  /// All zeros: "no object" in reflogs, maps and push leases.
  public static let zero = ObjectID(high: 0, middle: 0, low: 0)

  /// The tree without entries, which need not be stored.
  public static let emptyTree = ObjectID(
    high: 0x4b82_5dc6_42cb_6eb9, middle: 0xa060_e54b_f8d6_9288, low: 0xfbee_4904)

  /// The 20 bytes.
  public var bytes: [UInt8] {
    var result = [UInt8](repeating: 0, count: 20)
    result.withUnsafeMutableBytes { buffer in
      if let base = buffer.baseAddress { write(to: base) }
    }
    return result
  }

  /// 40 lower-case hexadecimal digits.
  public var hex: String {
    String(unsafeUninitializedCapacity: 40) { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      HexText.write(self, to: base)
      return 40
    }
  }

  /// Appends the 40 digits: lists of a hundred thousand ids are written without a text for each.
  public func append(to text: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { buffer in
      guard let base = buffer.baseAddress else { return }
      HexText.write(self, to: base)
      text.append(contentsOf: UnsafeBufferPointer(start: base, count: 40))
    }
  }

  public var description: String { hex }

  /// Writes the 20 bytes at `target`.
  func write(to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: high.bigEndian, as: UInt64.self)
    target.storeBytes(of: middle.bigEndian, toByteOffset: 8, as: UInt64.self)
    target.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt32.self)
  }

  public static func < (left: ObjectID, right: ObjectID) -> Bool {
    if left.high != right.high { return left.high < right.high }
    if left.middle != right.middle { return left.middle < right.middle }
    return left.low < right.low
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(high) }
}
