import Foundation
import Secrets

/// A text (the value of a variable, the contents of a file) that may hold a secret among other things, and how its
/// successor is written there.
///
/// A short secret is often a common word, too: in `postgres://app:training@db/training` only the password is one. So an
/// occurrence counts as the credential where its place says so (the whole value or a `name=` whose name speaks of a
/// credential, a URL's password) or where chance is out of the question.
struct CredentialCopy {
  /// The variable's or file's name.
  let name: String
  let text: [UInt8]

  /// From this length on, no text holds the secret by chance.
  private static let unmistakable = 16
  /// Shorter ones are found by their place alone.
  private static let shortest = 4

  /// What is known about the text.
  enum Holding: Equatable {
    case nothing
    /// As it is, or percent-encoded, at places where the successor can be written in the same way.
    case replaceable
    /// In some other spelling (base64, …), or where nobody can tell whether it is the credential.
    case unclear
  }

  /// Whether and how the text holds `secret`.
  func holding(_ secret: [UInt8]) -> Holding {
    guard !secret.isEmpty else { return .nothing }
    guard isHeld(secret, in: text) else { return .nothing }
    // A successor of plain characters can be written everywhere.
    guard let rest = replacing(secret, with: []) else { return .unclear }
    return isHeld(secret, in: rest) ? .unclear : .replaceable
  }

  /// The text with `new` in every place of `old`, spelled as it was there; nil when nothing can be replaced safely.
  func replacing(_ old: [UInt8], with new: [UInt8]) -> [UInt8]? {
    if text == old { return isCredential(name) || old.count >= Self.unmistakable ? new : nil }
    var result: [UInt8] = []
    var rest = text.startIndex
    for place in places(of: old) {
      guard isCredential(at: place.range, count: old.count),
        let spelled = spelled(new, isEncoded: place.isEncoded, at: place.range)
      else { continue }
      result += text[rest..<place.range.lowerBound] + spelled
      rest = place.range.upperBound
    }
    guard rest > text.startIndex else { return nil }
    return result + text[rest...]
  }

  // MARK: Where it stands

  private struct Place {
    let range: Range<Int>
    let isEncoded: Bool
  }

  /// Every occurrence, as it is or percent-encoded with digits of either case.
  private func places(of secret: [UInt8]) -> [Place] {
    guard secret.count >= Self.shortest else { return [] }
    var found: [Place] = []
    var position = 0
    while position < text.count {
      guard let end = end(of: secret, from: position) else {
        position += 1
        continue
      }
      found.append(Place(range: position..<end, isEncoded: end - position != secret.count))
      position = end
    }
    return found
  }

  /// Where an occurrence that begins at `start` ends; nil when none does.
  private func end(of secret: [UInt8], from start: Int) -> Int? {
    var position = start
    for byte in secret {
      guard position < text.count else { return nil }
      if text[position] == byte, byte != UInt8(ascii: "%") {
        position += 1
      } else if position + 2 < text.count, text[position] == UInt8(ascii: "%"),
        UInt8(String(decoding: text[position + 1...position + 2], as: UTF8.self), radix: 16) == byte
      {
        position += 3
      } else if text[position] == byte {
        position += 1
      } else {
        return nil
      }
    }
    return position
  }

  private func isCredential(at range: Range<Int>, count: Int) -> Bool {
    if count >= Self.unmistakable { return true }
    guard isDelimited(range) else { return false }
    return isURLPassword(range) || isNamed(range)
  }

  /// No letter or digit goes on before or behind it.
  private func isDelimited(_ range: Range<Int>) -> Bool {
    let isWord = { (byte: UInt8) in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    let before = range.lowerBound > 0 && isWord(text[range.lowerBound - 1])
    let behind = range.upperBound < text.count && isWord(text[range.upperBound])
    return !before && !behind
  }

  /// `scheme://user:HERE@host`
  private func isURLPassword(_ range: Range<Int>) -> Bool {
    guard range.upperBound < text.count, text[range.upperBound] == UInt8(ascii: "@"), range.lowerBound > 0,
      text[range.lowerBound - 1] == UInt8(ascii: ":")
    else { return false }
    return isInURL(range)
  }

  /// The word behind the last `://` reaches up to it: still the same URL.
  private func isInURL(_ range: Range<Int>) -> Bool {
    let before = text[..<range.lowerBound]
    guard let scheme = before.ranges(of: Array("://".utf8)).last else { return false }
    return !before[scheme.upperBound...].contains { [0x20, 0x09, 0x22, 0x27].contains($0) }
  }

  /// `password=HERE`, `"pwd": "HERE"`, `?api_key=HERE`
  private func isNamed(_ range: Range<Int>) -> Bool {
    let between: Set<UInt8> = [0x20, 0x22, 0x27, UInt8(ascii: "="), UInt8(ascii: ":")]
    let before = text[..<range.lowerBound]
    let gap = before.reversed().prefix { between.contains($0) }
    guard gap.contains(UInt8(ascii: "=")) || gap.contains(UInt8(ascii: ":")) else { return false }
    let word = before.dropLast(gap.count).reversed().prefix { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte == 0x5F || byte == 0x2D
    }
    return isCredential(String(decoding: word.reversed(), as: UTF8.self))
  }

  private static let words = ["pass", "pwd", "secret", "token", "key", "credential", "auth"]

  private func isCredential(_ name: String) -> Bool {
    let name = name.lowercased()
    return Self.words.contains { name.contains($0) }
  }

  // MARK: How it is written

  /// `new` as `old` was written at `range`; nil when nobody knows the rules of the text around it.
  private func spelled(_ new: [UInt8], isEncoded: Bool, at range: Range<Int>) -> [UInt8]? {
    if isEncoded || isInURL(range) { return Self.percentEncoded(new) }
    return new.allSatisfy(Self.isUnreserved) ? new : nil
  }

  /// RFC 3986 §2.3
  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
    default: false
    }
  }

  private static func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { isUnreserved($0) ? [$0] : Array(("%" + Hex.text([$0]).uppercased()).utf8) }
  }

  /// Also in every form of ``SecretForms`` (docs/FORMS.md): base64, hexadecimal, escapes.
  private func isHeld(_ secret: [UInt8], in text: [UInt8]) -> Bool {
    if text == secret { return true }
    let other = CredentialCopy(name: name, text: text)
    if other.places(of: secret).contains(where: {
      other.isDelimited($0.range) || secret.count >= Self.unmistakable
    }) {
      return true
    }
    // Its other forms are long enough not to be met by chance only when it is.
    guard secret.count >= 8 else { return false }
    return SecretForms.occurrences(of: [Secret(SecretBytes(copying: secret))], in: text).contains {
      $0.form != .raw
    }
  }
}
