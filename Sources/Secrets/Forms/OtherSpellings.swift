extension Secret {
  /// What this value may mean where it was copied in a spelling of the text around it: percent-encoded, with a reference of
  /// HTML, escaped as in JSON or with backslashes, also twice. Empty where nothing in it is escaped.
  public var decodings: [Secret] {
    let own = exposeAsBytes()
    var found: [[UInt8]] = []
    var next = [own]
    for _ in 0..<3 {
      var made: [[UInt8]] = []
      for bytes in next {
        for other in [Decoding.percent(bytes), Decoding.references(bytes), Decoding.backslashes(bytes)]
        where !other.isEmpty && other != own && !found.contains(other) && found.count < 8 {
          found.append(other)
          made.append(other)
        }
      }
      next = made
    }
    return found.map { Secret(SecretBytes(copying: $0)) }
  }

  /// True when both are the same value, perhaps written in two ways.
  public func isSpelling(of other: Secret) -> Bool {
    let own = [self] + decodings
    let theirs = [other] + other.decodings
    return own.contains { one in theirs.contains { one.isSame(as: $0) } }
  }
}

/// Undoes one spelling; what is not escaped stays.
private enum Decoding {
  /// `%26`
  static func percent(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if bytes[place] == 0x25, place + 2 < bytes.count, let code = number(bytes[place + 1...place + 2], 16) {
        result.append(UInt8(truncatingIfNeeded: code))
        place += 3
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return result
  }

  /// `&amp;`, `&#38;`, `&#x26;`
  static func references(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if bytes[place] == 0x26, let end = bytes[place...].prefix(10).firstIndex(of: 0x3B),
        let character = reference(bytes[(place + 1)..<end])
      {
        result += character
        place = end + 1
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return result
  }

  private static func reference(_ name: ArraySlice<UInt8>) -> [UInt8]? {
    switch String(decoding: name, as: UTF8.self) {
    case "amp": return [0x26]
    case "lt": return [0x3C]
    case "gt": return [0x3E]
    case "quot": return [0x22]
    case "apos": return [0x27]
    default:
      guard name.first == 0x23 else { return nil }
      let digits = name.dropFirst()
      let isHex = digits.first == 0x78 || digits.first == 0x58
      return character(number(isHex ? digits.dropFirst() : digits, isHex ? 16 : 10))
    }
  }

  /// `\u0026`, `\x26` and a backslash before anything that is no letter or digit.
  static func backslashes(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      guard bytes[place] == 0x5C, place + 1 < bytes.count else {
        result.append(bytes[place])
        place += 1
        continue
      }
      let mark = bytes[place + 1]
      let count = mark == 0x75 ? 4 : mark == 0x78 ? 2 : 0
      let end = place + 2 + count
      if count > 0, end <= bytes.count, let made = character(number(bytes[(place + 2)..<end], 16)) {
        result += made
        place = end
      } else if (0x21...0x2F).contains(mark) || (0x3A...0x40).contains(mark) || (0x5B...0x60).contains(mark)
        || (0x7B...0x7E).contains(mark) || mark == 0x20
      {
        result.append(mark)
        place += 2
      } else {
        result.append(0x5C)
        place += 1
      }
    }
    return result
  }

  private static func character(_ code: UInt32?) -> [UInt8]? {
    guard let code, code > 0, let scalar = Unicode.Scalar(code) else { return nil }
    return Array(String(Character(scalar)).utf8)
  }

  private static func number(_ digits: ArraySlice<UInt8>, _ radix: Int) -> UInt32? {
    guard digits.first != 0x2B, digits.first != 0x2D else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
  }
}
