extension Secret {
  /// What this value may mean where it was copied in a spelling of the text around it: with the escapes of
  /// ``TextLayer`` undone, also twice and three times. At most eight; empty where nothing in it is escaped.
  public var decodings: [Secret] {
    let own = exposeAsBytes()
    var found: [[UInt8]] = []
    var next = [DecodedText(plain: own)]
    for _ in 0..<EscapeAlphabet.depth {
      var made: [DecodedText] = []
      for text in next {
        for family in TextLayer.escapes {
          guard let inside = text.undoing(family), !inside.bytes.isEmpty, inside.bytes != own,
            !found.contains(inside.bytes), found.count < 8
          else { continue }
          found.append(inside.bytes)
          made.append(inside)
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
