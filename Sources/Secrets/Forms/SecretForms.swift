import Foundation

/// The forms in which a secret may stand: one table for the history scan, the rewrite, the redactor and whoever checks text.
///
/// docs/FORMS.md lists the rows, and what is not searched.
public enum SecretForms {
  /// One spelling of one secret.
  public struct Entry: Sendable {
    public let form: SecretForm
    public let spelling: Spelling
    /// What is searched.
    public let bytes: [UInt8]
    /// Bytes inside of the wrapping.
    public let innerCount: Int
    /// The characters that are spelled; empty for a secret that is no text.
    public let scalars: [Unicode.Scalar]
  }

  /// No secret is searched in more spellings than this; the last rows of the table are left out first.
  public static let most = 256

  /// An encoded form of fewer bytes is not searched: it would be met by chance.
  public static let shortestEncoded = 6

  /// Every spelling of `secret`, each distinct byte string once, the most common ones first. The first is the secret itself.
  public static func entries(of secret: [UInt8]) -> [Entry] {
    guard !secret.isEmpty else { return [] }
    var table = FormTable(secret)
    table.fill()
    return table.entries
  }

  /// The byte strings of ``entries(of:)``, longest first. Those shorter than `minimum` are left out, except the raw one.
  public static func all(of secret: Secret, minimum: Int = shortestEncoded) -> [[UInt8]] {
    let entries = entries(of: secret.exposeAsBytes())
    return entries.enumerated().filter { $0.offset == 0 || $0.element.bytes.count >= minimum }.map(
      \.element.bytes
    )
    .sorted { $0.count != $1.count ? $0.count > $1.count : $0.lexicographicallyPrecedes($1) }
  }

  /// The escapes that are searched as they are written, with the row of the table each belongs to, the most common ones
  /// first. Every other one that ``TextLayer`` reads is found by reading it, at no cost of a spelling.
  static let escapes: [(form: SecretForm, escape: Escape)] = [
    (.json, .json(.plain)), (.percent, .percent(.upper)), (.html, .xml(.text)),
    (.json, .json(.html(upper: false))), (.html, .xml(.apos)), (.html, .xml(.quot39)),
    (.json, .json(.slashes)), (.percent, .percent(.lower)), (.form, .percent(.form)),
    (.doubled, .doubled("%")), (.doubled, .doubled("$")), (.doubled, .doubled("%$")),
    (.doubled, .percent(.doubled)), (.doubled, .doubled("'")), (.doubled, .doubled("\"")),
    (.doubled, .doubled("{}")), (.quoted, .shellQuote(double: false)), (.quoted, .shellQuote(double: true)),
    (.quoted, .marked("`", "$`\"")), (.quoted, .marked("^", "&<>|^()")),
    (.escaped, .percent(.quotedPrintable)),
  ]

  /// Every way to escape one character: what a mix may consist of where it is followed character by character.
  public static let mixtures: [Escape] =
    escapes.map(\.escape) + [
      .json(.ascii(upper: false)), .json(.ascii(upper: true)), .json(.gson), .json(.dotNet),
      .json(.html(upper: true)), .jsonTwice(html: false), .jsonTwice(html: true), .percent(.twice),
      .xml(.quot), .xml(.quotX27), .xml(.quot039), .xml(.decimalQuotes), .xml(.decimal),
      .xml(.hex(upper: true)),
      .xml(.hex(upper: false)), .xml(.named), .xmlTwice, .marked("\\", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
      .bytes(octal: false), .bytes(octal: true),
    ]

  /// What no row of the table covers; every answer that says "clean" says this, too.
  public static let notSearched = [
    "compressed or encrypted contents: archives, office documents, PDF, images, container layers, encrypted files",
    "base64 three times, base64 and escapes of which single letters or digits are escaped, base32, base85, hexadecimal dumps",
    "values of fewer than sixteen bytes in pieces; base64 and strings in pieces behind marks of comments, diffs or mail",
    "UTF-7, UTF-32, EBCDIC, ISO-2022 and character sets that docs/FORMS.md does not list",
    "escapes more than three deep, and those of which no language in docs/FORMS.md is told: CSS, LDAP, Lua, names in \\N{}",
    "mixes of doubled characters or shell quotes with escapes where no eight bytes in a row stand in one of them",
    "parts of the value, the value put together by a program, hashes of it, changes of case",
  ]
}

/// Fills the rows for one secret.
struct FormTable {
  private let raw: [UInt8]
  private(set) var entries: [SecretForms.Entry] = []

  init(_ raw: [UInt8]) { self.raw = raw }

  mutating func fill() {
    let text = String(validating: raw, as: UTF8.self)
    let scalars = text.map { Array($0.unicodeScalars) } ?? legacyScalars() ?? []
    let own = text == nil && !scalars.isEmpty ? Spelling(charset: .other(.windows1252)) : Spelling()
    add(.raw, own, raw, scalars)
    if scalars.isEmpty { return wrap(raw, Spelling(), scalars) }
    let versions = normalized(scalars)
    for version in versions { spell(version, isFirst: version == scalars && text != nil) }
    for lines in lineVersions(scalars) { spellLines(lines) }
    for version in versions where version.contains(where: { !$0.isASCII }) { spellCharsets(version) }
  }

  /// Bytes that are no UTF-8 come from an editor that wrote Windows-1252.
  private func legacyScalars() -> [Unicode.Scalar]? {
    String(data: Data(raw), encoding: .windowsCP1252).map { Array($0.unicodeScalars) }
  }

  /// As it is, composed and decomposed, without repetition.
  private func normalized(_ scalars: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    guard scalars.contains(where: { !$0.isASCII }) else { return [scalars] }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    let string = String(text)
    var result = [scalars]
    for other in [string.precomposedStringWithCanonicalMapping, string.decomposedStringWithCanonicalMapping] {
      let version = Array(other.unicodeScalars)
      if !result.contains(version) { result.append(version) }
    }
    return result
  }

  /// With LF, with CRLF and joined; without white space at the ends, which a shell or an editor adds and removes.
  private func lineVersions(_ scalars: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    guard scalars.contains(where: { $0 == "\n" || $0 == "\r" }) else { return [] }
    var lines: [[Unicode.Scalar]] = [[]]
    for (index, scalar) in scalars.enumerated() {
      switch scalar {
      case "\r" where index + 1 < scalars.count && scalars[index + 1] == "\n": continue
      case "\n", "\r": lines.append([])
      default: lines[lines.count - 1].append(scalar)
      }
    }
    while lines.last?.isEmpty ?? false { lines.removeLast() }
    while lines.first?.isEmpty ?? false { lines.removeFirst() }
    guard !lines.isEmpty else { return [] }
    return [
      Array(lines.joined(separator: ["\n"])), Array(lines.joined(separator: ["\r", "\n"])),
      lines.flatMap { $0 },
    ]
  }

  private mutating func spell(_ scalars: [Unicode.Scalar], isFirst: Bool) {
    add(isFirst ? .raw : .unicode, Spelling(), scalars)
    for (form, escape) in SecretForms.escapes { add(form, Spelling(escape: escape), scalars) }
    for bigEndian in [false, true] {
      let form: SecretForm = bigEndian ? .utf16be : .utf16le
      add(form, Spelling(charset: .utf16(bigEndian: bigEndian)), scalars)
    }
    for escape in [
      Escape.none, .json(.plain), .json(.html(upper: false)), .json(.ascii(upper: false)), .percent(.upper),
      .xml(.text),
    ] {
      wrap(scalars, Spelling(escape: escape))
    }
    wrap(scalars, Spelling(charset: .utf16(bigEndian: false)))
  }

  private mutating func spellLines(_ scalars: [Unicode.Scalar]) {
    for escape in [Escape.none, .json(.plain)] { add(.lines, Spelling(escape: escape), scalars) }
    wrap(scalars, Spelling())
    wrap(scalars, Spelling(escape: .json(.plain)))
  }

  private mutating func spellCharsets(_ scalars: [Unicode.Scalar]) {
    for set in Charset.Other.allCases {
      let charset = Charset.other(set)
      add(.charset, Spelling(charset: charset), scalars)
      if set == .latin1 || set == .windows1252 {
        add(.charset, Spelling(escape: .percent(.quotedPrintable), charset: charset), scalars)
        wrap(scalars, Spelling(charset: charset))
      }
    }
  }

  private mutating func wrap(_ scalars: [Unicode.Scalar], _ spelling: Spelling) {
    guard let bytes = inside(scalars, spelling) else { return }
    wrap(bytes, spelling, scalars)
  }

  /// Base64, base64 within base64 and hexadecimal of bytes.
  private mutating func wrap(_ bytes: [UInt8], _ inner: Spelling, _ scalars: [Unicode.Scalar]) {
    // Escapes that change nothing have been wrapped before.
    if inner.escape != .none, bytes == raw { return }
    func spelling(_ wrapping: Spelling.Wrapping) -> Spelling {
      Spelling(escape: inner.escape, charset: inner.charset, wrapping: wrapping)
    }
    for shift in 0..<3 {
      add(.base64, spelling(.base64(shift: shift, isURL: false)), bytes, scalars)
      add(.base64url, spelling(.base64(shift: shift, isURL: true)), bytes, scalars)
    }
    guard inner.escape == .none else { return }
    for upper in [false, true] { add(.hex, spelling(.hex(upper: upper)), bytes, scalars) }
    guard inner.charset == .utf8 else { return }
    for isURL in [false, true] {
      for innerShift in 0..<3 {
        // The url alphabet differs only in two characters; most secrets have neither.
        for outerShift in 0..<3 {
          add(
            .base64twice,
            spelling(.base64Twice(outer: outerShift, inner: innerShift, isInnerURL: isURL)), bytes, scalars)
        }
      }
    }
  }

  private mutating func add(_ form: SecretForm, _ spelling: Spelling, _ scalars: [Unicode.Scalar]) {
    guard let bytes = inside(scalars, spelling) else { return }
    add(form, spelling, bytes, scalars)
  }

  /// - Parameter inside: the bytes inside of the wrapping.
  private mutating func add(
    _ form: SecretForm, _ spelling: Spelling, _ inside: [UInt8], _ scalars: [Unicode.Scalar]
  ) {
    let bytes = spelling.wrapped(inside)
    guard entries.isEmpty || (bytes.count >= SecretForms.shortestEncoded && entries.count < SecretForms.most),
      // A few dozen: comparing them costs less than hashing each byte.
      !entries.contains(where: { $0.bytes == bytes })
    else { return }
    entries.append(
      SecretForms.Entry(
        form: form, spelling: spelling, bytes: bytes, innerCount: inside.count, scalars: scalars))
  }

  /// Nil when the character set lacks a character, or the escape changes none: then it was added without.
  private func inside(_ scalars: [Unicode.Scalar], _ spelling: Spelling) -> [UInt8]? {
    var spelled: [Unicode.Scalar: [UInt8]] = [:]
    var isPlain = true
    for scalar in scalars where !FormTable.isPlain(scalar) && spelled[scalar] == nil {
      guard let bytes = spelling.inside(scalar) else { return nil }
      spelled[scalar] = bytes
      if isPlain, bytes != spelling.charset.bytes(scalar) { isPlain = false }
    }
    if spelling.escape != .none, isPlain { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(scalars.count * 2)
    for scalar in scalars {
      if let bytes = spelled[scalar] {
        result += bytes
      } else {
        switch spelling.charset {
        case .utf16(bigEndian: true): result += [0, UInt8(scalar.value)]
        case .utf16(bigEndian: false): result += [UInt8(scalar.value), 0]
        case .utf8, .other: result.append(UInt8(scalar.value))
        }
      }
    }
    return result
  }

  /// No escape changes a letter or digit.
  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}
