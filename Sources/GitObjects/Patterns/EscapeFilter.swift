import Secrets

/// Finds escapes of which a secret may have one, at the speed of the gram filter: a mark is looked for in sixteen bytes at
/// once, the byte behind it in a table, and only what is left is read.
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

  /// The first escape that fits, with its mark at `first` or behind it; nil when there is none.
  ///
  /// - Parameter isWhole: false for windows: a neighbour may stand outside.
  func next(in text: UnsafeBufferPointer<UInt8>, from first: Int, isWhole: Bool) -> Int? {
    guard !alphabet.isEmpty, let base = text.baseAddress else { return nil }
    return behind.withUnsafeBufferPointer { behind in
      next(base, text.count, first, isWhole, behind)
    }
  }

  private func next(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ first: Int, _ isWhole: Bool,
    _ behind: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    let raw = UnsafeRawPointer(base)
    let backslash = SIMD16<UInt8>(repeating: UInt8(ascii: "\\"))
    let percent = SIMD16<UInt8>(repeating: UInt8(ascii: "%"))
    let ampersand = SIMD16<UInt8>(repeating: UInt8(ascii: "&"))
    var position = first
    while position + 16 <= count {
      let bytes = raw.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
      let marks = (bytes .== backslash) .| (bytes .== percent) .| (bytes .== ampersand)
      // Eight bits for each byte: its place is a matter of counting zeros (the lowest bits are the first byte).
      let words = unsafeBitCast(marks, to: SIMD2<UInt64>.self)
      if words[0] | words[1] != 0 {
        for half in 0..<2 {
          var word = words[half]
          while word != 0 {
            let byte = word.trailingZeroBitCount >> 3
            let place = position + half * 8 + byte
            if fits(base, count, place, isWhole, behind) { return place }
            word &= ~(0xFF << UInt64(byte * 8))
          }
        }
      }
      position += 16
    }
    while position < count {
      if fits(base, count, position, isWhole, behind) { return position }
      position += 1
    }
    return nil
  }

  @inline(__always)
  private func fits(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ place: Int, _ isWhole: Bool,
    _ behind: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard place + 1 < count else { return false }
    let bit: UInt8
    switch base[place] {
    case UInt8(ascii: "\\"): bit = 1
    case UInt8(ascii: "%"): bit = 2
    case UInt8(ascii: "&"): bit = 4
    default: return false
    }
    guard behind[Int(base[place + 1])] & bit != 0 else { return false }
    let text = UnsafeBufferPointer(start: base, count: count)
    return alphabet.fits(text.span, at: place, isWhole: isWhole)
  }
}
