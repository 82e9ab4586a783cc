import Foundation

/// The forms in which a secret may stand in text: what the redactor hides and what the history scan looks for.
public enum SecretForms {
  /// Every form of `secret`, longest first, without duplicates: raw, base64 and base64url in three alignments, hex in
  /// both cases, percent-encoded, JSON-escaped, UTF-16LE and UTF-16BE.
  ///
  /// Base64 of a longer text that contains the secret shows only the characters that the secret alone decides, so up
  /// to two characters at either end are left out. Forms shorter than `minimum` bytes are left out, except raw.
  public static func all(of secret: Secret, minimum: Int = 6) -> [[UInt8]] {
    let raw = secret.exposeAsBytes()
    guard !raw.isEmpty else { return [] }
    var forms: Set<[UInt8]> = []
    for shift in 0..<3 {
      let standard = alignedBase64(raw, shift: shift)
      forms.insert(standard)
      forms.insert(standard.map { $0 == 0x2B ? 0x2D : $0 == 0x2F ? 0x5F : $0 })
    }
    let hex = Hex.text(raw)
    forms.insert(Array(hex.utf8))
    forms.insert(Array(hex.uppercased().utf8))
    forms.insert(percent(raw, upper: true))
    forms.insert(percent(raw, upper: false))
    for form in jsonEscaped(raw) { forms.insert(form) }
    forms.insert(raw.flatMap { [$0, 0] })
    forms.insert(raw.flatMap { [0, $0] })
    forms = forms.filter { $0.count >= minimum }
    forms.insert(raw)
    return forms.sorted { $0.count != $1.count ? $0.count > $1.count : $0.lexicographicallyPrecedes($1) }
  }

  /// The base64 characters that `raw` alone decides when `shift` bytes (0, 1 or 2) stand before it.
  static func alignedBase64(_ raw: [UInt8], shift: Int) -> [UInt8] {
    let text = Array(Data([UInt8](repeating: 0, count: shift) + raw).base64EncodedData())
    let bits = (shift + raw.count) * 8
    let first = shift == 0 ? 0 : shift == 1 ? 2 : 3
    let last = bits / 6  // characters whose six bits are all ours
    return first < last ? Array(text[first..<last]) : []
  }

  private static func percent(_ raw: [UInt8], upper: Bool) -> [UInt8] {
    raw.flatMap { byte -> [UInt8] in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: return [byte]
      default:
        let digits = Hex.byte(byte)
        return Array(("%" + (upper ? digits.uppercased() : digits)).utf8)
      }
    }
  }

  /// With and without `\/`, which some encoders write.
  private static func jsonEscaped(_ raw: [UInt8]) -> [[UInt8]] {
    func escaped(slash: Bool) -> [UInt8] {
      raw.flatMap { byte -> [UInt8] in
        switch byte {
        case 0x22: return Array("\\\"".utf8)
        case 0x5C: return Array("\\\\".utf8)
        case 0x0A: return Array("\\n".utf8)
        case 0x0D: return Array("\\r".utf8)
        case 0x09: return Array("\\t".utf8)
        case 0x2F where slash: return Array("\\/".utf8)
        default: return [byte]
        }
      }
    }
    return [escaped(slash: false), escaped(slash: true)]
  }
}
