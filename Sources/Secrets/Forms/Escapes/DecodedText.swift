/// A text with one or more layers undone, and where each byte of it stood.
public struct DecodedText: Sendable {
  public let bytes: [UInt8]
  /// For each byte, and for the end: where its escape or code unit begins in the text.
  private let places: [Int32]
  /// What was undone, the outermost first.
  public let layers: [TextLayer]

  /// Calls `body` with every text that `text` may mean: each layer alone and layers within layers, as far as escapes that fit
  /// are there.
  ///
  /// - Parameter text: of less than 2 GiB.
  public static func forEach(
    of text: [UInt8], fitting alphabet: EscapeAlphabet, _ body: (DecodedText) -> Void
  ) {
    DecodedText(plain: text).forEachInside(fitting: alphabet, body)
  }

  /// Nothing undone.
  init(plain text: [UInt8]) {
    bytes = text
    places = Array(0...Int32(text.count))
    layers = []
  }

  init(bytes: [UInt8], places: [Int32], layers: [TextLayer]) {
    self.bytes = bytes
    self.places = places
    self.layers = layers
  }

  /// The same for what stands within this text. Where an escape fits, every layer is undone that has any: of two layers the
  /// inner one's escapes may stand before the outer one's.
  func forEachInside(fitting alphabet: EscapeAlphabet, _ body: (DecodedText) -> Void) {
    guard alphabet.fitsSomewhere(in: bytes.span) else { return }
    for layer in TextLayer.escapes where layer != .form || alphabet.hasSpaces {
      guard let inside = undoing(layer) else { continue }
      body(inside)
      if inside.layers.count < EscapeAlphabet.depth { inside.forEachInside(fitting: alphabet, body) }
    }
  }

  /// The range of the text that `range` of these bytes comes from.
  public func original(_ range: Range<Int>) -> Range<Int> {
    Int(places[range.lowerBound])..<Int(places[range.upperBound])
  }

  /// `bytes`, which are to stand in this text, as they are written in the original.
  public func spelled(_ bytes: [UInt8]) -> [UInt8] {
    layers.reversed().reduce(bytes) { $1.spelling.inside($0) }
  }

  /// Nil where the layer has nothing to undo, or gives what another layer gives.
  func undoing(_ layer: TextLayer) -> DecodedText? {
    let text = bytes.span
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var starts: [Int32] = []
    starts.reserveCapacity(bytes.count + 1)
    var hasEscapes = false
    var isOwn = layer != .form && layer != .backslashCharacter
    var place = 0
    while place < text.count {
      let byte = text[place]
      guard byte == layer.mark, let escaped = EscapeReader.read(text, mark: byte, at: place + 1) else {
        let isSpace = layer == .form && byte == UInt8(ascii: "+")
        if isSpace { isOwn = true }
        result.append(isSpace ? 0x20 : byte)
        starts.append(places[place])
        place += 1
        continue
      }
      hasEscapes = true
      if layer == .backslashCharacter, case .byte(let code) = escaped.value, code >= 0x80 {
        result.append(contentsOf: String(Unicode.Scalar(code)).utf8)
        isOwn = true
      } else {
        escaped.append(to: &result)
      }
      while starts.count < result.count { starts.append(places[place]) }
      place = escaped.end
    }
    guard hasEscapes, isOwn else { return nil }
    starts.append(places[bytes.count])
    return DecodedText(bytes: result, places: starts, layers: layers + [layer])
  }
}
