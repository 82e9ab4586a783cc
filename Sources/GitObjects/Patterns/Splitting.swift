/// Where one string goes over into the next without the secret ending: notebook cells, JSON arrays, string concatenation,
/// wrapped base64.
enum Splitting {
  /// A gap in front of or behind a position is at most this long; white space in notebooks is a few bytes.
  private static let longest = 256

  /// The position behind a gap that starts at `position`, or nil when none starts there.
  static func skip(_ text: UnsafeBufferPointer<UInt8>, from position: Int, inBase64: Bool) -> Int? {
    inBase64
      ? line(text, position) ?? strings(text, position) : softBreak(text, position) ?? strings(text, position)
  }

  /// `=` at the end of a line, behind which quoted-printable goes on (RFC 2045 §6.7), or a backslash, behind which shells,
  /// properties files and C do: there with indentation.
  private static func softBreak(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    guard start + 1 < text.count, text[start] == 0x3D || text[start] == 0x5C else { return nil }
    var position = text[start + 1] == 0x0D ? start + 2 : start + 1
    guard position < text.count, text[position] == 0x0A else { return nil }
    position += 1
    guard text[start] == 0x5C else { return position }
    let end = min(text.count, start + longest)
    while position < end, text[position] == 0x20 || text[position] == 0x09 { position += 1 }
    return position
  }

  /// Whether the `=` at `place` is a break, and no character of a form that goes on with `rest`.
  private static func isBreak(
    _ text: UnsafeBufferPointer<UInt8>, _ place: Int, before rest: ArraySlice<UInt8>
  ) -> Bool {
    guard text[place] == 0x3D, let next = rest.first, place + 1 < text.count, text[place + 1] != next else {
      return false
    }
    return softBreak(text, place) != nil
  }

  /// Where a break that ends at `end` starts.
  private static func softBreakStart(_ text: UnsafeBufferPointer<UInt8>, endingAt end: Int) -> Int? {
    var position = end
    while position > 0, end - position < longest, text[position - 1] == 0x20 || text[position - 1] == 0x09 {
      position -= 1
    }
    guard position > 0, text[position - 1] == 0x0A else { return nil }
    return [position - 2, position - 3].first { $0 >= 0 && softBreak(text, $0) == end }
  }

  /// Line break and indentation, as base64 tools and YAML write it.
  private static func line(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var position = start
    if position + 1 < text.count, text[position] == 0x5C, text[position + 1] == 0x6E {
      position += 2  // "\n" escaped in a JSON string
    } else {
      if position < text.count, text[position] == 0x0D { position += 1 }
      guard position < text.count, text[position] == 0x0A else { return nil }
      position += 1
    }
    let end = min(text.count, start + longest)
    while position < end, text[position] == 0x20 || text[position] == 0x09 { position += 1 }
    return position
  }

  /// `\n` at the end of a string if any, quote, comma or plus, quote.
  private static func strings(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var position = start
    let end = min(text.count, start + longest)
    if position + 1 < end, text[position] == 0x5C, text[position + 1] == 0x6E { position += 2 }
    guard position < end, text[position] == 0x22 || text[position] == 0x27 else { return nil }
    let quote = text[position]
    position += 1
    while position < end, isSpace(text[position]) { position += 1 }
    if position < end, text[position] == 0x2C || text[position] == 0x2B { position += 1 }
    while position < end, isSpace(text[position]) { position += 1 }
    guard position < end, text[position] == quote else { return nil }
    return position + 1
  }

  @inline(__always)
  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// Positions at which a gap that ends at `position` may start, nearest first.
  static func starts(_ text: UnsafeBufferPointer<UInt8>, endingAt position: Int, inBase64: Bool) -> [Int] {
    guard position > 0 else { return [] }
    let last = text[position - 1]
    if !inBase64, isSpace(last) {
      return softBreakStart(text, endingAt: position).map { [$0] } ?? []
    }
    guard last == 0x22 || last == 0x27 || (inBase64 && (isSpace(last) || last == 0x6E)) else { return [] }
    var result: [Int] = []
    var start = position - 1
    while start >= 0, position - start <= longest {
      if skip(text, from: start, inBase64: inBase64) == position { result.append(start) }
      // Past the text that a gap can consist of.
      if start < position - 1, !isGapByte(text[start]) { break }
      start -= 1
    }
    return result
  }

  private static func isGapByte(_ byte: UInt8) -> Bool {
    isSpace(byte) || byte == 0x22 || byte == 0x27 || byte == 0x2C || byte == 0x2B || byte == 0x5C
      || byte == 0x6E
  }

  /// The pieces of `form` in `text`, given that its bytes `known` stand at `position`; nil when the rest does not follow
  /// over gaps. One piece means that it is not split.
  static func pieces(
    of form: [UInt8], known: Range<Int>, at position: Int, in text: UnsafeBufferPointer<UInt8>, inBase64: Bool
  ) -> [Range<Int>]? {
    var places = [Int](repeating: 0, count: form.count)
    for index in known { places[index] = position + index - known.lowerBound }
    var low = position
    for index in stride(from: known.lowerBound - 1, through: 0, by: -1) {
      if low > 0, text[low - 1] == form[index] {
        low -= 1
      } else {
        let gap = starts(text, endingAt: low, inBase64: inBase64).first { start in
          start > 0 && text[start - 1] == form[index]
        }
        guard let gap else { return nil }
        low = gap - 1
      }
      places[index] = low
    }
    var high = position + known.count
    for index in known.upperBound..<max(form.count, known.upperBound) {
      if high < text.count, text[high] == form[index], !isBreak(text, high, before: form[(index + 1)...]) {
        places[index] = high
      } else {
        guard let next = skip(text, from: high, inBase64: inBase64), next < text.count,
          text[next] == form[index]
        else { return nil }
        places[index] = next
      }
      high = places[index] + 1
    }
    var pieces: [Range<Int>] = []
    for place in places {
      if let last = pieces.last, last.upperBound == place {
        pieces[pieces.count - 1] = last.lowerBound..<(place + 1)
      } else {
        pieces.append(place..<(place + 1))
      }
    }
    return pieces
  }
}
