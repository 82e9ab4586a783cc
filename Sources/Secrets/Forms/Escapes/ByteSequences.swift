/// Four bytes that follow each other in a value, and what two and three of them begin or follow: whether bytes beside an
/// escape may be a part of one.
struct ByteSequences: Sendable {
  /// One bit for each two.
  private var pairs = [UInt64](repeating: 0, count: 1 << 10)
  /// Bits by a hash, of three that begin four, and of four: a quick no.
  private var bits = [UInt64](repeating: 0, count: bitCount >> 6)
  private var fours: Set<UInt32> = []
  /// With which bytes four begin.
  private var firsts = [Bool](repeating: false, count: 256)

  /// A thousand values of sixty characters fill a tenth.
  private static let bitCount = 1 << 20

  /// - Parameter four: the first byte in the highest bits.
  mutating func insert(_ four: UInt32) {
    guard fours.insert(four).inserted else { return }
    firsts[Int(four >> 24)] = true
    for shift: UInt32 in [16, 8, 0] {
      let pair = Int(four >> shift & 0xFFFF)
      pairs[pair >> 6] |= 1 << UInt64(pair & 63)
    }
    for bit in [Self.bit(four), Self.bit(ofThree: four >> 8)] { bits[bit >> 6] |= 1 << UInt64(bit & 63) }
  }

  func holds(_ four: UInt32) -> Bool { isSet(Self.bit(four)) && fours.contains(four) }

  /// False where no four have these two side by side.
  func mayHold(_ first: UInt8, _ second: UInt8) -> Bool {
    let pair = Int(first) << 8 | Int(second)
    return pairs[pair >> 6] & 1 << UInt64(pair & 63) != 0
  }

  /// False where no four begin with these `count` bytes, of which there are at most three, the first in the highest bits.
  func mayBegin(with bytes: UInt32, count: Int) -> Bool {
    switch count {
    case 0: true
    case 1: firsts[Int(bytes & 0xFF)]
    case 2: mayHold(UInt8(bytes >> 8 & 0xFF), UInt8(bytes & 0xFF))
    default:
      mayHold(UInt8(bytes >> 16 & 0xFF), UInt8(bytes >> 8 & 0xFF))
        && mayHold(UInt8(bytes >> 8 & 0xFF), UInt8(bytes & 0xFF)) && isSet(Self.bit(ofThree: bytes))
    }
  }

  private func isSet(_ bit: Int) -> Bool { bits[bit >> 6] & 1 << UInt64(bit & 63) != 0 }

  private static func bit(_ four: UInt32) -> Int { Int((four &* 0x9E37_79B1) >> 12) }
  private static func bit(ofThree three: UInt32) -> Int { bit(three &* 0x85EB_CA77 ^ 0xC2B2_AE3D) }
}
