import Secrets

/// Finds escapes of which a secret may have one, and UTF-16, at the speed of the gram filter: marks and zeros are looked for in
/// sixteen bytes at once, the byte behind a mark in a table, and only what is left is read.
struct EscapeFilter: Sendable {
  let alphabet: EscapeAlphabet
  /// For each byte: whether it may stand behind `\` (1), `%` (2), `&` (4).
  private let behind: [UInt8]

  private static let marks: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "&")]

  init(_ alphabet: EscapeAlphabet) {
    self.alphabet = alphabet
    behind = (0...255).map { byte in
      var bits: UInt8 = 0
      for (bit, mark) in EscapeFilter.marks.enumerated() where alphabet.fits(UInt8(byte), behind: mark) {
        bits |= 1 << UInt8(bit)
      }
      return bits
    }
  }

  /// Where something to decode begins.
  enum Found {
    /// The mark of an escape that fits.
    case escape(Int)
    /// A zero within UTF-16.
    case wide(Int)
  }

  /// The first escape that fits, or UTF-16, at `first` or behind it; nil when there is neither.
  ///
  /// - Parameter isWhole: false for windows: a neighbour may stand outside.
  func next(in text: UnsafeBufferPointer<UInt8>, from first: Int, isWhole: Bool) -> Found? {
    guard !alphabet.isEmpty, let base = text.baseAddress else { return nil }
    return behind.withUnsafeBufferPointer { behind in
      next(base, text.count, first, isWhole, behind)
    }
  }

  private func next(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ first: Int, _ isWhole: Bool,
    _ behind: UnsafeBufferPointer<UInt8>
  ) -> Found? {
    let raw = UnsafeRawPointer(base)
    let backslash = SIMD16<UInt8>(repeating: UInt8(ascii: "\\"))
    let percent = SIMD16<UInt8>(repeating: UInt8(ascii: "%"))
    let ampersand = SIMD16<UInt8>(repeating: UInt8(ascii: "&"))
    let zero = SIMD16<UInt8>(repeating: 0)
    var position = first
    while position < count, count - first >= 16 {
      // The last sixteen once more where fewer are left; what was seen already is not looked at again.
      let start = min(position, count - 16)
      let bytes = raw.loadUnaligned(fromByteOffset: start, as: SIMD16<UInt8>.self)
      let marks = (bytes .== backslash) .| (bytes .== percent) .| (bytes .== ampersand)
      let zeros = bytes .== zero
      // Eight bits for each byte: its place is a matter of counting zeros (the lowest bits are the first byte).
      let words = unsafeBitCast(marks .| zeros, to: SIMD2<UInt64>.self)
      if words[0] | words[1] != 0 {
        let zeroWords = unsafeBitCast(zeros, to: SIMD2<UInt64>.self)
        for half in 0..<2 {
          // In UTF-16 no two zeros stand side by side; a disk image has nothing else.
          let run = zeroWords[half] & (zeroWords[half] << 8 | zeroWords[half] >> 8)
          var word = words[half] & ~run
          while word != 0 {
            let byte = word.trailingZeroBitCount >> 3
            let place = start + half * 8 + byte
            if place >= position, let found = found(base, count, place, isWhole, behind) { return found }
            word &= ~(0xFF << UInt64(byte * 8))
          }
        }
      }
      position = start + 16
    }
    while position < count {
      if let found = found(base, count, position, isWhole, behind) { return found }
      position += 1
    }
    return nil
  }

  @inline(__always)
  private func found(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ place: Int, _ isWhole: Bool,
    _ behind: UnsafeBufferPointer<UInt8>
  ) -> Found? {
    guard place + 1 < count else { return nil }
    let bit: UInt8
    switch base[place] {
    case UInt8(ascii: "\\"): bit = 1
    case UInt8(ascii: "%"): bit = 2
    case UInt8(ascii: "&"): bit = 4
    case 0:
      guard place + 5 < count, base[place + 2] | base[place + 4] == 0 else { return nil }
      let text = UnsafeBufferPointer(start: base, count: count)
      return WideText.isWide(text.span, at: place) ? .wide(place) : nil
    default: return nil
    }
    guard behind[Int(base[place + 1])] & bit != 0 else { return nil }
    let text = UnsafeBufferPointer(start: base, count: count)
    return alphabet.fits(text.span, at: place, isWhole: isWhole) ? .escape(place) : nil
  }
}
