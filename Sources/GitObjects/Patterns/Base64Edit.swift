import Secrets

/// Replaces a secret inside of base64 text so that the whole still decodes: to the old bytes with the replacement in them.
struct Base64Edit {
  /// What stands inside: the secret, or base64 that holds it.
  private indirect enum Inside {
    case secret
    case base64(Base64Edit)
  }
  private let inside: Inside
  private let shift: Int
  private let isURL: Bool
  /// Bytes of ``inside`` that are known.
  private let innerCount: Int
  private let replacement: [UInt8]
  /// What a replacement is filled up with: one character of it.
  private let fill: [UInt8]

  /// - Parameter replacement: as UTF-8; it is spelled as the form wants. Nil when the form is no base64.
  init?(_ form: SearchForm, replacement: [UInt8]) {
    let spelling = form.spelling
    let text = spelling.inside(replacement)
    let last = String(decoding: replacement, as: UTF8.self).unicodeScalars.last
    // `*` is three bytes in percent encoding, which would never move the length off a multiple of three.
    let fill =
      [last, "*", "x"].compactMap { $0 }.compactMap { spelling.inside($0) }.first { $0.count % 3 != 0 } ?? [
        0x78
      ]
    switch spelling.wrapping {
    case .base64(let shift, let isURL):
      self.init(.secret, shift, isURL, form.entry.innerCount, text, fill)
    case .base64Twice(let outer, let inner, let isInnerURL):
      let innerEdit = Base64Edit(.secret, inner, isInnerURL, form.entry.innerCount, text, fill)
      self.init(.base64(innerEdit), outer, false, innerEdit.coreCount, text, fill)
    case .none, .hex: return nil
    }
  }

  private init(
    _ inside: Inside, _ shift: Int, _ isURL: Bool, _ innerCount: Int, _ replacement: [UInt8], _ fill: [UInt8]
  ) {
    self.inside = inside
    self.shift = shift
    self.isURL = isURL
    self.innerCount = innerCount
    self.replacement = replacement
    self.fill = fill
  }

  /// Characters that ``innerCount`` bytes alone decide.
  private var coreCount: Int { (shift + innerCount) * 8 / 6 - (shift == 0 ? 0 : shift + 1) }

  /// Groups of four characters that are looked at beyond the secret's, so that base64 inside shows where it goes on.
  private var margin: Int {
    if case .base64 = inside { return 3 }
    return 0
  }

  /// Nil when the neighbours are not base64 of the alignment that the hit implies.
  func edits(for pieces: [Range<Int>], in text: UnsafeBufferPointer<UInt8>) -> [ByteEdit]? {
    let isWrapped = pieces.count > 1 || WrappedLines.isOne(of: pieces[0], in: text)
    var places = pieces.flatMap { Array($0) }
    // The characters at either end that the secret shares with its neighbours.
    for _ in 0..<(shift == 0 ? 0 : shift + 1) {
      guard let place = previous(places[0], in: text, isWrapped) else { return nil }
      places.insert(place, at: 0)
    }
    var lead = shift
    for _ in 0..<margin {
      guard let group = group(before: places[0], in: text, isWrapped) else { break }
      places = group + places
      lead += 3
    }
    let groups = (lead + innerCount + 2) / 3 + margin
    while places.count < groups * 4, let place = next(places[places.count - 1], in: text, isWrapped) {
      places.append(place)
    }
    let decoded = Base64Text.decode(places.map { text[$0] })
    guard decoded.count >= lead + innerCount else { return nil }
    let isLast = places.count < groups * 4 || next(places[places.count - 1], in: text, isWrapped) == nil
    guard let bytes = replaced(decoded, lead: lead, isLast: isLast) else { return nil }
    let padding = paddingRange(after: places[places.count - 1], in: text)
    let isPadded = !padding.isEmpty || (!isURL && decoded.count % 3 == 0)
    let encoded = Base64Text.encode(bytes, isURL: isURL, isPadded: isLast && isPadded)
    return self.edits(
      replacing: places, padding: isLast ? padding : padding.lowerBound..<padding.lowerBound, by: encoded)
  }

  /// - Parameter isLast: nothing follows. Else the groups behind must keep their places: the length stays a multiple of three
  ///   away from the old one, for which the replacement is filled up.
  private func replaced(_ decoded: [UInt8], lead: Int, isLast: Bool) -> [UInt8]? {
    switch inside {
    case .secret:
      var bytes = Array(decoded.prefix(lead)) + replacement
      let suffix = decoded.dropFirst(lead + innerCount)
      if !isLast { while (bytes.count + suffix.count) % 3 != 0 { bytes += fill } }
      return bytes + suffix
    case .base64(let edit):
      for extra in 0..<12 {
        let filled = Base64Edit(
          edit.inside, edit.shift, edit.isURL, edit.innerCount,
          edit.replacement + [[UInt8]](repeating: fill, count: extra).joined(), fill)
        let bytes = decoded.withUnsafeBufferPointer { buffer in
          filled.edits(for: [lead..<lead + innerCount], in: buffer).map { buffer.applying($0) }
        }
        guard let bytes else { return nil }
        if isLast || (bytes.count - decoded.count) % 3 == 0 { return bytes }
      }
      return nil
    }
  }

  private func group(before place: Int, in text: UnsafeBufferPointer<UInt8>, _ isWrapped: Bool) -> [Int]? {
    var group: [Int] = []
    var first = place
    for _ in 0..<4 {
      guard let place = previous(first, in: text, isWrapped) else { return nil }
      group.insert(place, at: 0)
      first = place
    }
    return group
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

/// Base64 that a program has broken into lines of one width.
enum WrappedLines {
  private static let narrowest = 20

  /// Whether the line that holds `piece` has nothing else in it and a neighbour that goes on with it.
  static func isOne(of piece: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let line = line(around: piece.lowerBound, in: text), line.count >= narrowest else { return false }
    if let start = after(line.upperBound, in: text), let next = self.line(around: start, in: text),
      next.lowerBound == start, next.count <= line.count
    {
      return true
    }
    guard let end = before(line.lowerBound, in: text), let last = self.line(around: end, in: text) else {
      return false
    }
    return last.upperBound == end + 1 && last.count >= line.count
  }

  /// The base64 characters around `place` when they are alone on their line.
  private static func line(around place: Int, in text: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    guard Base64Text.value(text[place]) != nil else { return nil }
    var (low, high) = (place, place + 1)
    while low > 0, Base64Text.value(text[low - 1]) != nil { low -= 1 }
    while high < text.count, Base64Text.value(text[high]) != nil { high += 1 }
    var (left, right) = (low, high)
    while left > 0, text[left - 1] == 0x20 || text[left - 1] == 0x09 { left -= 1 }
    while right < text.count, text[right] == 0x3D || text[right] == 0x0D { right += 1 }
    guard left == 0 || text[left - 1] == 0x0A, right == text.count || text[right] == 0x0A else { return nil }
    return low..<high
  }

  /// The first character of the next line.
  private static func after(_ end: Int, in text: UnsafeBufferPointer<UInt8>) -> Int? {
    var position = end
    if position < text.count, text[position] == 0x0D { position += 1 }
    guard position < text.count, text[position] == 0x0A else { return nil }
    position += 1
    while position < text.count, text[position] == 0x20 || text[position] == 0x09 { position += 1 }
    return position < text.count ? position : nil
  }

  /// The last character of the line before.
  private static func before(_ start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int? {
    var position = start - 1
    while position >= 0, text[position] == 0x20 || text[position] == 0x09 { position -= 1 }
    guard position >= 0, text[position] == 0x0A else { return nil }
    position -= 1
    if position >= 0, text[position] == 0x0D { position -= 1 }
    return position >= 0 ? position : nil
  }
}
