import Secrets

/// Hits in what escapes and UTF-16 mean: a value of which any characters are escaped in any way, and layers of escapes around each other
/// and around every form of the table.
extension CompiledPatterns {
  /// - Parameter hasEscapes: set when an escape of which a secret may have one, or UTF-16, is in `text`.
  func decoded(in text: UnsafeBufferPointer<UInt8>, hasEscapes: inout Bool) -> [FoundSecret] {
    var places: [Int] = []
    var wide: [WideText] = []
    var position = 0
    while let next = escapes.next(in: text, from: position) {
      switch next {
      case .escape(let place):
        hasEscapes = true
        if escapes.alphabet.fitsWhole(text.span, at: place) { places.append(place) }
        position = place + 1
      case .wide(let place):
        hasEscapes = true
        wide.append(WideText(around: place, from: wide.last?.range.upperBound ?? 0, in: text.span))
        position = max(place + 1, wide[wide.count - 1].range.upperBound)
      }
    }
    guard !places.isEmpty || !wide.isEmpty else { return [] }
    var found: [FoundSecret] = []
    var seen: Set<DecodedPlace> = []
    func collect(_ decoded: DecodedText, from start: Int) {
      for hit in hits(in: decoded, from: start)
      where seen.insert(DecodedPlace(span: hit.span, pattern: hit.pattern)).inserted { found.append(hit) }
    }
    for one in wide {
      one.forEachMeaning(in: text.span, fitting: escapes.alphabet) { collect($1, from: $0) }
    }
    for part in escapes.alphabet.parts(around: places, of: text.count) {
      DecodedText.forEach(of: Array(text[part]), fitting: escapes.alphabet) {
        collect($0, from: part.lowerBound)
      }
    }
    return found
  }

  /// Whether UTF-16 of `text` holds a hit.
  func holdsHit(in wide: [WideText], of text: UnsafeBufferPointer<UInt8>) -> Bool {
    var isHit = false
    for one in wide where !isHit {
      one.forEachMeaning(in: text.span, fitting: escapes.alphabet) {
        if !isHit, !hits(in: $1, from: $0).isEmpty { isHit = true }
      }
    }
    return isHit
  }

  private struct DecodedPlace: Hashable {
    let span: Range<Int>
    let pattern: Int
  }

  private func hits(in decoded: DecodedText, from start: Int) -> [FoundSecret] {
    decoded.bytes.withUnsafeBufferPointer { bytes in
      var found: [FoundSecret] = []
      for filter in filters {
        filter.grams.forEach(in: bytes) { candidate in
          let probe = filter.probes[candidate.probe]
          let form = forms[probe.form]
          guard !form.isExact,
            let pieces = pieces(of: form, probe, filter.grams.length, at: candidate.start, in: bytes)
          else { return }
          let places = pieces.map { place(of: $0, in: decoded, from: start) }
          // Without an escape it stands there as it is, and is found so.
          guard places.reduce(0, { $0 + $1.count }) > pieces.reduce(0, { $0 + $1.count }) else { return }
          found.append(hit(form, pieces, bytes, decoded, places, start))
        }
      }
      return found
    }
  }

  private func hit(
    _ form: SearchForm, _ pieces: [Range<Int>], _ bytes: UnsafeBufferPointer<UInt8>, _ decoded: DecodedText,
    _ places: [Range<Int>], _ start: Int
  ) -> FoundSecret {
    let replacement = replacements[form.pattern]
    let inside = Base64Edit(form, replacement: replacement)?.edits(for: pieces, in: bytes)
    let isPlain = form.spelling.escape == .none && form.spelling.wrapping == .none
    return FoundSecret(
      pattern: form.pattern,
      form: places.count > 1 ? .split : isPlain ? SecretForm(undoing: decoded.layers) : .layered,
      pieces: places, formIndex: nil, expansion: decoded.spelled(form.spelling.spelled(replacement)),
      edits: inside?.map { edit in
        ByteEdit(
          range: place(of: edit.range, in: decoded, from: start),
          replacement: decoded.spelled(edit.replacement))
      })
  }

  private func place(of range: Range<Int>, in decoded: DecodedText, from start: Int) -> Range<Int> {
    let place = decoded.original(range)
    return (start + place.lowerBound)..<(start + place.upperBound)
  }
}
