import Secrets

/// Finds escapes of which a secret may have one, and UTF-16, at the speed of the gram filter: marks and zeros are looked for in
/// thirty-two bytes at once, the byte behind a mark in a table, and only what is left is read.
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
    let raw = UnsafeRawPointer(base)
    var position = first
    while position &+ 36 <= count {
      // Nearly all of a text has neither a mark nor a zero.
      if Self.isAny(Self.candidates(raw + position) .| Self.candidates(raw + position + 16)) {
        let low = Self.marks(raw + position)
        let high = Self.marks(raw + position + 16)
        if let place = place(low, position, position, base, count, behind)
          ?? place(high, position &+ 16, position, base, count, behind)
        {
          return found(base, count, place)
        }
      }
      position &+= 32
    }
    while position < count, count >= 16 {
      // The last sixteen once more where fewer are left; what was seen already is not looked at again.
      let start = min(position, count &- 16)
      let marks = Self.candidates(raw + start)
      if Self.isAny(marks), let place = place(marks, start, position, base, count, behind) {
        return found(base, count, place)
      }
      position = start &+ 16
    }
    while position < count {
      if fits(base, count, position, behind) { return found(base, count, position) }
      position &+= 1
    }
    return nil
  }

  private typealias Bytes = SIMD16<UInt8>
  private typealias Mask = SIMDMask<SIMD16<Int8>>

  /// Marks, and zeros of UTF-16, where every other byte is one and no two stand side by side (a disk image has nothing else).
  /// Looks at four more bytes.
  @inline(__always)
  private static func marks(_ text: UnsafeRawPointer) -> Mask {
    let bytes = text.loadUnaligned(as: Bytes.self)
    let zero = Bytes(repeating: 0)
    let others =
      text.loadUnaligned(fromByteOffset: 2, as: Bytes.self)
      | text.loadUnaligned(fromByteOffset: 4, as: Bytes.self)
    let beside = text.loadUnaligned(fromByteOffset: 1, as: Bytes.self) .== zero
    return escapes(bytes) .| (((bytes | others) .== zero) .& .!beside)
  }

  /// Marks and zeros, whatever stands beside them.
  @inline(__always)
  private static func candidates(_ text: UnsafeRawPointer) -> Mask {
    let bytes = text.loadUnaligned(as: Bytes.self)
    return escapes(bytes) .| (bytes .== Bytes(repeating: 0))
  }

  /// Vectors are compared with vectors: with a number Swift compares byte by byte.
  @inline(__always)
  private static func escapes(_ bytes: Bytes) -> Mask {
    (bytes .== Bytes(repeating: UInt8(ascii: "\\"))) .| (bytes .== Bytes(repeating: UInt8(ascii: "%")))
      .| (bytes .== Bytes(repeating: UInt8(ascii: "&")))
  }

  @inline(__always)
  private static func isAny(_ mask: Mask) -> Bool {
    let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    return words[0] | words[1] != 0
  }

  /// The first of the marks that fits, not before `first`.
  @inline(__always)
  private func place(
    _ marks: Mask, _ start: Int, _ first: Int, _ base: UnsafePointer<UInt8>, _ count: Int,
    _ behind: UnsafePointer<UInt8>
  ) -> Int? {
    let words = unsafeBitCast(marks, to: SIMD2<UInt64>.self)
    return place(words[0], start, first, base, count, behind)
      ?? place(words[1], start &+ 8, first, base, count, behind)
  }

  /// - Parameter marks: eight bits for each byte; the lowest bits are the first byte.
  @inline(__always)
  private func place(
    _ marks: UInt64, _ start: Int, _ first: Int, _ base: UnsafePointer<UInt8>, _ count: Int,
    _ behind: UnsafePointer<UInt8>
  ) -> Int? {
    var word = marks
    while word != 0 {
      let bit = word.trailingZeroBitCount
      let place = start &+ bit &>> 3
      if place >= first, fits(base, count, place, behind) { return place }
      word &= ~(0xFF &<< UInt64(truncatingIfNeeded: bit))
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
