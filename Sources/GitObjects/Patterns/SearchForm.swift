import Foundation
import Secrets

/// One spelling of one secret: the bytes that the search compares, and how a replacement is spelled in their place.
struct SearchForm {
  enum Spelling {
    /// The bytes themselves.
    case raw
    case jsonEscaped(slashes: Bool)
    case percent(upper: Bool)
    case hex(upper: Bool)
    case utf16(bigEndian: Bool)
    /// `shift` bytes (0, 1 or 2) of other text stand before the secret in its first group of three.
    case base64(shift: Int, isURL: Bool)
  }
  /// Index of the expression.
  let pattern: Int
  let spelling: Spelling
  let bytes: [UInt8]
  /// Bytes in the secret itself.
  let rawCount: Int

  var form: SecretForm {
    switch spelling {
    case .raw: .raw
    case .jsonEscaped: .json
    case .percent: .percent
    case .hex: .hex
    case .utf16(let bigEndian): bigEndian ? .utf16be : .utf16le
    case .base64(_, let isURL): isURL ? .base64url : .base64
    }
  }

  /// May stand over several strings or lines.
  var canBeSplit: Bool {
    switch spelling {
    case .raw, .jsonEscaped, .base64: true
    case .percent, .hex, .utf16: false
    }
  }

  /// All spellings of `secret`, each distinct byte string once; the list of `SecretForms`, with what each one means.
  static func all(of secret: [UInt8], pattern: Int) -> [SearchForm] {
    var spellings: [Spelling] = [
      .raw, .jsonEscaped(slashes: false), .jsonEscaped(slashes: true), .percent(upper: true),
      .percent(upper: false), .hex(upper: false), .hex(upper: true), .utf16(bigEndian: false),
      .utf16(bigEndian: true),
    ]
    for shift in 0..<3 {
      spellings.append(.base64(shift: shift, isURL: false))
      spellings.append(.base64(shift: shift, isURL: true))
    }
    var seen: Set<[UInt8]> = []
    return spellings.compactMap { spelling in
      let bytes = searched(secret, spelling)
      var isRaw = false
      if case .raw = spelling { isRaw = true }
      guard isRaw || bytes.count >= shortestEncoded, seen.insert(bytes).inserted else { return nil }
      return SearchForm(pattern: pattern, spelling: spelling, bytes: bytes, rawCount: secret.count)
    }
  }

  /// As in `SecretForms.all(of:minimum:)`: a shorter encoding is met by chance.
  private static let shortestEncoded = 6

  private static func searched(_ secret: [UInt8], _ spelling: Spelling) -> [UInt8] {
    guard case .base64(let shift, let isURL) = spelling else { return spelled(secret, as: spelling) }
    let text = Base64Text.encode([UInt8](repeating: 0, count: shift) + secret, isURL: isURL, isPadded: false)
    let first = shift == 0 ? 0 : shift == 1 ? 2 : 3
    let last = (shift + secret.count) * 8 / 6  // characters whose six bits are all the secret's
    return first < last ? Array(text[first..<last]) : []
  }

  /// `text` in this spelling. Base64 is not among them: it depends on the neighbours.
  static func spelled(_ text: [UInt8], as spelling: Spelling) -> [UInt8] {
    switch spelling {
    case .raw, .base64: text
    case .jsonEscaped(let slashes): text.flatMap { jsonEscape($0, slashes: slashes) }
    case .percent(let upper): text.flatMap { percentEscape($0, upper: upper) }
    case .hex(let upper):
      text.flatMap { Array((upper ? Hex.byte($0).uppercased() : Hex.byte($0)).utf8) }
    case .utf16(let bigEndian): text.flatMap { bigEndian ? [0, $0] : [$0, 0] }
    }
  }

  private static func percentEscape(_ byte: UInt8, upper: Bool) -> [UInt8] {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: return [byte]
    default: return Array(("%" + (upper ? Hex.byte(byte).uppercased() : Hex.byte(byte))).utf8)
    }
  }

  private static func jsonEscape(_ byte: UInt8, slashes: Bool) -> [UInt8] {
    switch byte {
    case 0x22: return Array("\\\"".utf8)
    case 0x5C: return Array("\\\\".utf8)
    case 0x0A: return Array("\\n".utf8)
    case 0x0D: return Array("\\r".utf8)
    case 0x09: return Array("\\t".utf8)
    case 0x2F where slashes: return Array("\\/".utf8)
    default: return [byte]
    }
  }
}

/// Base64 in both alphabets.
enum Base64Text {
  static func encode(_ bytes: [UInt8], isURL: Bool, isPadded: Bool) -> [UInt8] {
    var text = Array(Data(bytes).base64EncodedData())
    if !isPadded { while text.last == 0x3D { text.removeLast() } }
    guard isURL else { return text }
    return text.map { $0 == 0x2B ? 0x2D : $0 == 0x2F ? 0x5F : $0 }
  }

  /// The six bits of a character of either alphabet, or nil.
  static func value(_ character: UInt8) -> UInt8? {
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
  static func decode(_ characters: some Sequence<UInt8>) -> [UInt8] {
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
