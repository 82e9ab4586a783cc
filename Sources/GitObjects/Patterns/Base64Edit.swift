/// Replaces a secret inside of base64 text so that the whole still decodes: to the old bytes with the replacement in them.
struct Base64Edit {
  let form: SearchForm
  let shift: Int
  let isURL: Bool
  let replacement: [UInt8]

  /// Nil when the neighbours are not base64 of the alignment that the hit implies.
  func edits(for pieces: [Range<Int>], in text: UnsafeBufferPointer<UInt8>) -> [ByteEdit]? {
    let isWrapped = pieces.count > 1
    var places = pieces.flatMap { Array($0) }
    // The characters at either end that the secret shares with its neighbours.
    let before = shift == 0 ? 0 : shift == 1 ? 2 : 3
    for _ in 0..<before {
      guard let place = previous(places[0], in: text, isWrapped) else { return nil }
      places.insert(place, at: 0)
    }
    let groups = (shift + form.rawCount + 2) / 3
    while places.count < groups * 4, let place = next(places[places.count - 1], in: text, isWrapped) {
      places.append(place)
    }
    let decoded = Base64Text.decode(places.map { text[$0] })
    guard decoded.count >= shift + form.rawCount else { return nil }
    var bytes = Array(decoded.prefix(shift)) + replacement
    let suffix = decoded.dropFirst(shift + form.rawCount)
    let isLast = places.count < groups * 4 || next(places[places.count - 1], in: text, isWrapped) == nil
    if !isLast {
      // More base64 follows: its groups of four must keep their places, so fill up to whole groups of three.
      let fill = replacement.last ?? 0x2A
      while (bytes.count + suffix.count) % 3 != 0 { bytes.append(fill) }
    }
    bytes += suffix
    let padding = paddingRange(after: places[places.count - 1], in: text)
    let isPadded = !padding.isEmpty || (!isURL && decoded.count % 3 == 0)
    let encoded = Base64Text.encode(bytes, isURL: isURL, isPadded: isLast && isPadded)
    return self.edits(
      replacing: places, padding: isLast ? padding : padding.lowerBound..<padding.lowerBound, by: encoded)
  }

  /// The new text in place of the first run of characters, nothing in place of the others.
  private func edits(replacing places: [Int], padding: Range<Int>, by encoded: [UInt8]) -> [ByteEdit] {
    var runs: [Range<Int>] = []
    for place in places + Array(padding) {
      if let last = runs.last, last.upperBound == place {
        runs[runs.count - 1] = last.lowerBound..<(place + 1)
      } else {
        runs.append(place..<(place + 1))
      }
    }
    return runs.enumerated().map { ByteEdit(range: $1, replacement: $0 == 0 ? encoded : []) }
  }

  private func next(_ place: Int, in text: UnsafeBufferPointer<UInt8>, _ isWrapped: Bool) -> Int? {
    let after = place + 1
    if after < text.count, Base64Text.value(text[after]) != nil { return after }
    guard isWrapped, let far = Splitting.skip(text, from: after, inBase64: true), far < text.count,
      Base64Text.value(text[far]) != nil
    else { return nil }
    return far
  }

  private func previous(_ place: Int, in text: UnsafeBufferPointer<UInt8>, _ isWrapped: Bool) -> Int? {
    if place > 0, Base64Text.value(text[place - 1]) != nil { return place - 1 }
    guard isWrapped else { return nil }
    let starts = Splitting.starts(text, endingAt: place, inBase64: true)
    return starts.first { $0 > 0 && Base64Text.value(text[$0 - 1]) != nil }.map { $0 - 1 }
  }

  /// `=` characters directly after `place`.
  private func paddingRange(after place: Int, in text: UnsafeBufferPointer<UInt8>) -> Range<Int> {
    var end = place + 1
    while end < text.count, end < place + 3, text[end] == 0x3D { end += 1 }
    return (place + 1)..<end
  }
}
