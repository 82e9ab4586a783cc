/// Whether an escape may belong to a value. The first byte of the first character that a value does not show as it is, is a mark:
/// of the outermost layer, or of one within it that escapes only what follows. All before it in the value is plain. So it is
/// enough to read on from each mark, in every order of layers, and to compare four characters in a row, of which up to
/// three stand before it.
extension EscapeAlphabet {
  /// An answer depends on no more bytes in a row: on three before a mark and on the longest escape. What does not end
  /// within them may be anything. So where a change is near, as much of a text tells as the whole text.
  public static let span = 3 + longestEscape
  /// The same for ``fitsWhole(_:at:)``: enough for three or four characters with an escape each.
  public static let wholeSpan = 3 + 3 * longestEscape

  /// Whether the escape whose mark stands at `place` may belong to a value.
  public func fits(_ text: Span<UInt8>, at place: Int) -> Bool {
    fits(text, at: place, within: Self.span - 3)
  }

  /// The same with a longer look, which answers what ``fits(_:at:)`` leaves open.
  public func fitsWhole(_ text: Span<UInt8>, at place: Int) -> Bool {
    fits(text, at: place, within: Self.wholeSpan - 3)
  }

  private func fits(_ text: Span<UInt8>, at place: Int, within most: Int) -> Bool {
    let mark = text[place]
    guard place + 1 < text.count, begins(text[place + 1], behind: mark) else { return false }
    let limit = min(text.count, place + most)
    guard mayFit(text, mark, place, limit) else { return false }
    var head = Head()
    for before in max(0, place - 3)..<place { head.append(text[before]) }
    return fits(
      text.extracting(place..<limit), isCut: limit < text.count, behind: head, depth: Self.depth)
  }

  /// Up to three plain characters before an escape.
  private struct Head {
    var bytes: UInt32 = 0
    var count = 0

    mutating func append(_ byte: UInt8) {
      bytes = bytes << 8 | UInt32(byte)
      count += 1
    }
  }

  // MARK: A quick no

  /// False where one look at the escape and the characters beside it says that it does not fit.
  private func mayFit(_ text: Span<UInt8>, _ mark: UInt8, _ place: Int, _ limit: Int) -> Bool {
    guard let escaped = EscapeReader.read(text, mark: mark, at: place + 1) else {
      return leadsOn(text, place + 1, limit)
    }
    if !escaped.isClosed(in: text, from: place), escaped.end < limit, text[escaped.end] != mark,
      EscapeReader.isMark(text[escaped.end])
    {
      return true
    }
    guard let first = escaped.first else {
      // A line end that is not there: what is on both sides counts.
      guard place > 0, escaped.end < limit else { return false }
      return hasShort || EscapeReader.isMark(text[escaped.end])
        || sequences.mayHold(text[place - 1], text[escaped.end])
    }
    if EscapeReader.isMark(first), mayLead(first, mark, text, escaped.end, limit) { return true }
    if first >= 0x80 { return characters[Int(first)] || mayBeCharacter(escaped) }
    guard characters[Int(first)] else { return false }
    if hasShort || mayGoOn(first, text, mark, escaped.end, limit) { return true }
    // Then three before it are all that is beside it.
    guard place >= 3 else { return false }
    var four = UInt32(first)
    for before in 1...3 { four |= UInt32(text[place - before]) << UInt32(8 * before) }
    return sequences.holds(four)
  }

  /// Whether the mark `first`, which an escape behind `mark` gave, may begin an escape with what stands at `end`.
  private func mayLead(_ first: UInt8, _ mark: UInt8, _ text: Span<UInt8>, _ end: Int, _ limit: Int) -> Bool {
    guard end < limit else { return limit < text.count }
    return begins(text[end], behind: first) || EscapeReader.givesPart(text[end], behind: first)
  }

  /// Whether a byte beyond ASCII, read as a character, may begin one of a value in UTF-8.
  private func mayBeCharacter(_ escaped: EscapeReader.Escaped) -> Bool {
    guard hasUmlauts, case .byte(let byte) = escaped.value else { return false }
    return characters[byte < 0xC0 ? 0xC2 : 0xC3]
  }

  /// Whether `first` and what stands at `end` may be neighbours in a value.
  private func mayGoOn(
    _ first: UInt8, _ text: Span<UInt8>, _ mark: UInt8, _ end: Int, _ limit: Int
  ) -> Bool {
    guard end < limit else { return limit < text.count }
    let next = text[end]
    guard EscapeReader.isMark(next) else { return sequences.mayHold(first, next) }
    guard end + 1 < limit else { return true }
    guard let escaped = EscapeReader.read(text, mark: next, at: end + 1) else {
      return sequences.mayHold(first, next) || leadsOn(text, end + 1, limit)
    }
    guard let second = escaped.first, !EscapeReader.isMark(second), escaped.isClosed(in: text, from: end),
      second < 0x80 || !hasUmlauts
    else { return true }
    return sequences.mayHold(first, second) || next != mark && sequences.mayHold(first, next)
  }

  /// Whether what follows a mark and is no escape may become one where another mark in it is read.
  private func leadsOn(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> Bool {
    for place in start..<max(start, limit) {
      let byte = text[place]
      if EscapeReader.isMark(byte) {
        guard place + 1 < text.count else { return false }
        return EscapeReader.isMark(text[place + 1]) || EscapeReader.givesPart(text[place + 1], behind: byte)
      }
      guard EscapeReader.isPart(byte) else { return false }
    }
    return false
  }

  // MARK: Reading on

  /// - Parameters:
  ///   - tail: what begins with the mark.
  ///   - isCut: it goes on, with what is not looked at.
  private func fits(_ tail: Span<UInt8>, isCut: Bool, behind head: Head, depth: Int) -> Bool {
    for layer in TextLayer.escapes where layer != .form {
      guard let inside = TextTail(undoing: layer, in: tail, isCut: isCut) else { continue }
      if holds(head, inside) { return true }
      if depth > 1, leads(inside, behind: head),
        fits(inside.bytes.span, isCut: inside.isCut, behind: head, depth: depth - 1)
      {
        return true
      }
    }
    return false
  }

  /// Whether layers within `tail` may give a value.
  private func leads(_ tail: TextTail, behind head: Head) -> Bool {
    guard let first = tail.bytes.first, tail.bytes.contains(where: EscapeReader.isMark) else { return false }
    if EscapeReader.isMark(first) || hasShort { return true }
    if head.count > 0, sequences.mayHold(UInt8(head.bytes & 0xFF), first) { return true }
    return tail.bytes.count < 2 || EscapeReader.isMark(tail.bytes[1])
      || sequences.mayHold(first, tail.bytes[1])
  }

  /// Whether four characters in a row, up to three of them of `head`, stand in a value.
  private func holds(_ head: Head, _ tail: TextTail) -> Bool {
    if hasShort { return tail.bytes.first.map { characters[Int($0)] } ?? tail.isCut }
    for before in 0...head.count {
      // Fewer bytes than four have leading zeros in `UInt32`.
      var bytes = before == 0 ? 0 : head.bytes & (UInt32.max >> UInt32(32 - 8 * before))
      var count = before
      for byte in tail.bytes where count < 4 {
        bytes = bytes << 8 | UInt32(byte)
        count += 1
      }
      if count == 4
        ? sequences.holds(bytes) : tail.isCut && sequences.mayBegin(with: bytes, count: count)
      {
        return true
      }
    }
    return false
  }
}

extension EscapeReader.Escaped {
  /// What follows does not change what it means.
  func isClosed(in text: Span<UInt8>, from mark: Int) -> Bool {
    switch text[mark] {
    case UInt8(ascii: "&"): text[end - 1] == UInt8(ascii: ";")
    case UInt8(ascii: "\\"): end - mark >= 4 || !(0x30...0x37).contains(text[mark + 1])
    default: true
    }
  }
}
