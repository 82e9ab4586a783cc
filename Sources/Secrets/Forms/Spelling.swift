import Foundation

/// How a secret is written: its characters escaped, made bytes, and wrapped.
public struct Spelling: Hashable, Sendable {
  /// What is put around the bytes.
  public enum Wrapping: Hashable, Sendable {
    case none
    case hex(upper: Bool)
    /// `shift` bytes (0, 1 or 2) of other text stand before the secret in its first group of three.
    case base64(shift: Int, isURL: Bool)
    /// Base64 of a text in which the secret stands in base64.
    case base64Twice(outer: Int, inner: Int, isInnerURL: Bool)
  }
  public let escape: Escape
  public let charset: Charset
  public let wrapping: Wrapping

  public init(escape: Escape = .none, charset: Charset = .utf8, wrapping: Wrapping = .none) {
    self.escape = escape
    self.charset = charset
    self.wrapping = wrapping
  }

  public var isBase64: Bool {
    switch wrapping {
    case .base64, .base64Twice: true
    case .none, .hex: false
    }
  }

  /// May stand over several strings or lines.
  public var canBeSplit: Bool {
    switch wrapping {
    case .base64, .base64Twice: true
    case .hex: false
    case .none: charset == .utf8
    }
  }

  /// One character as it stands inside of the wrapping; nil when the character set does not have it.
  public func inside(_ scalar: Unicode.Scalar) -> [UInt8]? { escape.spelled(scalar, in: charset) }

  /// `text` (UTF-8) as it stands inside of the wrapping. What the character set does not have becomes `?`.
  public func inside(_ text: [UInt8]) -> [UInt8] {
    if escape == .none, charset == .utf8 { return text }
    return String(decoding: text, as: UTF8.self).unicodeScalars.flatMap { scalar in
      inside(scalar) ?? inside("?") ?? []
    }
  }

  /// `bytes`, which stand inside, as they are searched: of base64 only what the secret alone decides.
  func wrapped(_ bytes: [UInt8]) -> [UInt8] {
    switch wrapping {
    case .none: bytes
    case .hex(let upper): Self.hex(bytes, upper: upper)
    case .base64(let shift, let isURL): Base64Text.aligned(bytes, shift: shift, isURL: isURL)
    case .base64Twice(let outer, let inner, let isInnerURL):
      Base64Text.aligned(
        Base64Text.aligned(bytes, shift: inner, isURL: isInnerURL), shift: outer, isURL: false)
    }
  }

  /// A replacement in this spelling. Base64 is not wrapped: it depends on the neighbours.
  public func spelled(_ text: [UInt8]) -> [UInt8] {
    let inside = inside(text)
    guard case .hex(let upper) = wrapping else { return inside }
    return Self.hex(inside, upper: upper)
  }

  private static func hex(_ bytes: [UInt8], upper: Bool) -> [UInt8] {
    let digits = Array((upper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      result.append(digits[Int(byte >> 4)])
      result.append(digits[Int(byte & 15)])
    }
    return result
  }
}

/// Base64 in both alphabets (RFC 4648 §4 and §5).
public enum Base64Text {
  private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  public static func encode(_ bytes: [UInt8], isURL: Bool, isPadded: Bool) -> [UInt8] {
    let alphabet = isURL ? url : standard
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 4 / 3 + 4)
    var position = 0
    while position < bytes.count {
      let left = bytes.count - position
      let second = left > 1 ? bytes[position + 1] : 0
      let third = left > 2 ? bytes[position + 2] : 0
      text.append(alphabet[Int(bytes[position] >> 2)])
      text.append(alphabet[Int(bytes[position] << 4 & 0x30 | second >> 4)])
      if left > 1 { text.append(alphabet[Int(second << 2 & 0x3C | third >> 6)]) }
      if left > 2 { text.append(alphabet[Int(third & 0x3F)]) }
      position += 3
    }
    if isPadded { while text.count % 4 != 0 { text.append(0x3D) } }
    return text
  }

  /// The characters that `bytes` alone decide when `shift` bytes (0, 1 or 2) stand before them.
  static func aligned(_ bytes: [UInt8], shift: Int, isURL: Bool) -> [UInt8] {
    let text = encode([UInt8](repeating: 0, count: shift) + bytes, isURL: isURL, isPadded: false)
    let first = shift == 0 ? 0 : shift + 1
    let last = (shift + bytes.count) * 8 / 6
    return first < last ? Array(text[first..<last]) : []
  }

  /// The six bits of a character of either alphabet, or nil.
  public static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x41...0x5A: character - 0x41
    case 0x61...0x7A: character - 0x61 + 26
    case 0x30...0x39: character - 0x30 + 52
    case 0x2B, 0x2D: 62
    case 0x2F, 0x5F: 63
    default: nil
    }
  }

  /// Decodes characters without padding; a last group of two or three gives one or two bytes.
  public static func decode(_ characters: some Sequence<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var held = 0
    for character in characters {
      guard let value = value(character) else { break }
      bits = bits << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    return result
  }
}
