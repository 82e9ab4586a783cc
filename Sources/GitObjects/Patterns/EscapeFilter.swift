import CMarks
import Secrets

/// Finds escapes of which a secret may have one, and UTF-16, at the speed of the gram filter: marks and zeros are looked for in
/// sixty-four bytes at once by `CMarks`, the byte behind a mark in a table, and only what is left is read.
struct EscapeFilter: Sendable {
  let alphabet: EscapeAlphabet
  /// For each byte, behind which marks it may stand (``EscapeAlphabet/beginnings(with:)``); behind a zero; behind `\x`.
  private let behind: [UInt8]
  private let wideCharacters: Int

  /// An answer depends on no more bytes in a row: on those of an escape, or on eight characters of UTF-16.
  static let span = EscapeAlphabet.span

  /// UTF-16 that a change completes is seen beside the change: it shows characters of ASCII alone, to which it makes no
  /// difference where code units start.
  var isWideNear: Bool { wideCharacters == WideText.most }

  private static let zero: UInt8 = EscapeAlphabet.beginning(0)
  private static let hexadecimal: UInt8 = 1 << 1

  init(_ alphabet: EscapeAlphabet) {
    self.alphabet = alphabet
    wideCharacters = alphabet.wideCharacters
    behind = (UInt8.min...UInt8.max).map { byte in
      var bits = alphabet.beginnings(with: byte)
      if WideText.isText(byte) { bits |= EscapeFilter.zero }
      // `\x26` has the digits of `%26`.
      if bits & EscapeAlphabet.beginning(UInt8(ascii: "%")) != 0 || byte == UInt8(ascii: "{") {
        bits |= EscapeFilter.hexadecimal
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
  func next(in text: UnsafeBufferPointer<UInt8>, from first: Int) -> Found? {
    guard !alphabet.isEmpty, let base = text.baseAddress else { return nil }
    return behind.withUnsafeBufferPointer { behind in
      behind.baseAddress.flatMap { next(base, text.count, first, $0) }
    }
  }

  private func next(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ first: Int, _ behind: UnsafePointer<UInt8>
  ) -> Found? {
    var position = first
    while position < count {
      var marks = marks_next(base, count, &position)
      guard marks != 0 else { return nil }
      while marks != 0 {
        let place = position &+ marks.trailingZeroBitCount
        if fits(base, count, place, behind) { return found(base, count, place) }
        marks &= marks &- 1
      }
      position &+= 64
    }
    return nil
  }

  /// A quick no by the next two bytes, then whether it does.
  @inline(__always)
  private func fits(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ place: Int, _ behind: UnsafePointer<UInt8>
  ) -> Bool {
    guard place &+ 1 < count else { return false }
    let (mark, next) = (base[place], base[place &+ 1])
    guard behind[Int(next)] & EscapeAlphabet.beginning(mark) != 0 else { return false }
    return reads(base, count, place, behind)
  }

  @inline(never)
  private func reads(
    _ base: UnsafePointer<UInt8>, _ count: Int, _ place: Int, _ behind: UnsafePointer<UInt8>
  ) -> Bool {
    let text = UnsafeBufferPointer(start: base, count: count)
    switch base[place] {
    case 0: return WideText.isWide(text.span, at: place, characters: wideCharacters)
    case UInt8(ascii: "\\"):
      if base[place + 1] == UInt8(ascii: "x"), place + 2 < count,
        behind[Int(base[place + 2])] & EscapeFilter.hexadecimal == 0
      {
        return false
      }
      return alphabet.fits(text.span, at: place)
    case UInt8(ascii: "%"), UInt8(ascii: "&"): return alphabet.fits(text.span, at: place)
    default: return false
    }
  }

  private func found(_ base: UnsafePointer<UInt8>, _ count: Int, _ place: Int) -> Found {
    base[place] == 0 ? .wide(place) : .escape(place)
  }
}
