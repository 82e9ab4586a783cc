/// The beginning of what a few bytes mean, with a layer undone.
struct TextTail {
  private(set) var bytes: [UInt8] = []
  /// More follows, which is not known.
  private(set) var isCut: Bool

  /// Nil where the layer has nothing to undo, or gives what another layer gives.
  ///
  /// - Parameter isCut: `text` goes on behind its end. An escape of which the end is not there ends what is known.
  init?(undoing layer: TextLayer, in text: Span<UInt8>, isCut: Bool) {
    self.isCut = isCut
    guard let mark = layer.mark else { return nil }
    var first = 0
    while first < text.count, text[first] != mark { first += 1 }
    guard first < text.count else { return nil }
    bytes.reserveCapacity(text.count + 4)
    var (place, hasEscapes, isOwn) = (0, false, layer != .backslashCharacter)
    while place < text.count {
      guard text[place] == mark else {
        bytes.append(text[place])
        place += 1
        continue
      }
      let escaped = EscapeReader.read(text, mark: mark, at: place + 1)
      if isCut, Self.mayGoOn(escaped, text, place) {
        hasEscapes = true
        break
      }
      guard let escaped else {
        bytes.append(mark)
        place += 1
        continue
      }
      hasEscapes = true
      if layer == .backslashCharacter, case .byte(let code) = escaped.value, code >= 0x80 {
        isOwn = true
        bytes.append(contentsOf: String(Unicode.Scalar(code)).utf8)
      } else {
        escaped.append(to: &bytes)
      }
      place = escaped.end
    }
    guard hasEscapes, isOwn else { return nil }
  }

  /// Whether the escape at `place` may be another one, given what stands behind the end of `text`.
  private static func mayGoOn(_ escaped: EscapeReader.Escaped?, _ text: Span<UInt8>, _ place: Int) -> Bool {
    if let escaped { return escaped.end == text.count && !escaped.isClosed(in: text, from: place) }
    return EscapeReader.isUnfinished(text, at: place)
  }
}
