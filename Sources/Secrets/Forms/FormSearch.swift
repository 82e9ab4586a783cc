/// The forms of secrets ready to be looked for in texts of the program's own: as they stand, over gaps, and in what escapes mean.
struct FormSearch: Sendable {
  struct Hit {
    let range: Range<Int>
    /// What ``add(_:tag:)`` was given.
    let tag: Int
    /// Gaps or escapes are between its characters.
    let isDirect: Bool
    /// What was undone to find it.
    let layers: [TextLayer]
  }
  private var index = FormIndex()
  private var alphabet = EscapeAlphabet()

  /// All forms of one secret. The first tag of a byte string stays.
  mutating func add(_ entries: [SecretForms.Entry], tag: (SecretForms.Entry) -> Int) {
    for entry in entries { index.add(entry.bytes, tag: tag(entry)) }
    alphabet.add(entries)
  }

  /// A secret whose forms are added when ``forEachText(of:_:)`` shows its letters: from now on escapes of them are read.
  mutating func expect(_ raw: [UInt8]) { alphabet.add(raw) }

  /// A part of a secret, as it stands.
  mutating func add(_ bytes: [UInt8], tag: Int) { index.add(bytes, tag: tag) }

  /// What stands in `text`, those that stand there as they are first.
  ///
  /// - Parameter isWanted: asked for each tag that is met.
  func hits(in text: [UInt8], where isWanted: (Int) -> Bool = { _ in true }) -> [Hit] {
    guard !index.isEmpty else { return [] }
    var found = direct(in: text, where: isWanted)
    forEachDecoded(of: text) { start, decoded in
      found += hits(in: decoded, from: start, where: isWanted)
    }
    return found
  }

  /// Calls `body` with every text in which a form may stand: `text`, what it means, and both without gaps.
  func forEachText(of text: [UInt8], _ body: ([UInt8]) -> Void) {
    func both(_ bytes: [UInt8]) {
      body(bytes)
      for joined in JoinedText.all(of: bytes) { body(joined.bytes) }
    }
    both(text)
    forEachDecoded(of: text) { both($1.bytes) }
  }

  private func forEachDecoded(of text: [UInt8], _ body: (_ start: Int, DecodedText) -> Void) {
    for wide in WideText.all(in: text) { wide.forEachMeaning(in: text.span, fitting: alphabet, body) }
    for part in alphabet.parts(around: alphabet.places(in: text.span), of: text.count) {
      DecodedText.forEach(of: Array(text[part]), fitting: alphabet) { body(part.lowerBound, $0) }
    }
  }

  private func hits(in decoded: DecodedText, from start: Int, where isWanted: (Int) -> Bool) -> [Hit] {
    direct(in: decoded.bytes, where: isWanted).compactMap { hit in
      let range = decoded.original(hit.range)
      // Without an escape it was found as it stands.
      guard range.count > hit.range.count else { return nil }
      let place = (start + range.lowerBound)..<(start + range.upperBound)
      return Hit(range: place, tag: hit.tag, isDirect: false, layers: decoded.layers)
    }
  }

  private func direct(in text: [UInt8], where isWanted: (Int) -> Bool) -> [Hit] {
    var found = index.hits(in: text, where: isWanted).map {
      Hit(range: $0.range, tag: $0.tag, isDirect: true, layers: [])
    }
    for joined in JoinedText.all(of: text) {
      for hit in index.hits(in: joined.bytes, where: isWanted) {
        found.append(Hit(range: joined.original(hit.range), tag: hit.tag, isDirect: false, layers: []))
      }
    }
    return found
  }
}
