import Foundation

/// How characters become bytes.
public enum Charset: Hashable, Sendable {
  case utf8
  case utf16(bigEndian: Bool)
  /// One of ``others``.
  case other(Other)

  /// A character set that a commit's `encoding` header, an old editor or a locale may name.
  public enum Other: String, Hashable, Sendable, CaseIterable {
    case latin1 = "ISO-8859-1"
    case windows1252 = "windows-1252"
    case latin2 = "ISO-8859-2"
    case latin9 = "ISO-8859-15"
    case windows1250 = "windows-1250"
    case windows1251 = "windows-1251"
    case koi8r = "KOI8-R"
    case cp437 = "IBM437"
    case cp850 = "IBM850"
    case macintosh
    case shiftJIS = "Shift_JIS"
    case eucKR = "EUC-KR"
    case big5 = "Big5"
    case gb18030 = "GB18030"

    /// Foundation's number. Source: CFStringEncodingExt.h; those of Core Foundation have the highest bit set.
    var encoding: String.Encoding {
      func extended(_ number: UInt) -> String.Encoding { String.Encoding(rawValue: 0x8000_0000 | number) }
      return switch self {
      case .latin1: .isoLatin1
      case .windows1252: .windowsCP1252
      case .latin2: .isoLatin2
      case .latin9: extended(0x020F)
      case .windows1250: .windowsCP1250
      case .windows1251: .windowsCP1251
      case .koi8r: extended(0x0A02)
      case .cp437: extended(0x0400)
      case .cp850: extended(0x0410)
      case .macintosh: extended(0)  // not .macOSRoman, which gives other bytes on Linux
      case .shiftJIS: .shiftJIS
      case .eucKR: extended(0x0940)
      // With HKSCS: Foundation on Linux has no plain Big5, whose Chinese is the same.
      case .big5: extended(0x0A06)
      case .gb18030: extended(0x0632)
      }
    }
  }

  /// The bytes of one character, or nil when the set does not have it.
  public func bytes(_ scalar: Unicode.Scalar) -> [UInt8]? {
    switch self {
    case .utf8: Array(String(scalar).utf8)
    case .utf16(let bigEndian):
      String(scalar).utf16.flatMap { unit -> [UInt8] in
        let (high, low) = (UInt8(unit >> 8), UInt8(truncatingIfNeeded: unit))
        return bigEndian ? [high, low] : [low, high]
      }
    case .other(let set):
      scalar.isASCII
        ? [UInt8(scalar.value)]
        : String(scalar).data(using: set.encoding, allowLossyConversion: false).map(Array.init)
    }
  }

  /// The same for text that an escape made.
  func bytes(_ text: String) -> [UInt8]? {
    if self == .utf8 { return Array(text.utf8) }
    var result: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard let bytes = bytes(scalar) else { return nil }
      result += bytes
    }
    return result
  }
}
