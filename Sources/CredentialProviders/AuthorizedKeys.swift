import Foundation

/// An authorized_keys file: lines, of which only those with a certain key are ever changed.
///
/// A key is found by what its base64 means, never by its comment or its place; options stay as they are.
/// Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT; `auth_check_authkey_line` of OpenSSH for how a line is read.
struct AuthorizedKeys: Sendable {
  struct Line: Sendable {
    /// Before the key; empty: none.
    let options: String
    let key: SSHPublicKey

    /// The name of an option, lower case, without its value: `command`, `cert-authority`.
    var optionNames: Set<String> {
      var names: Set<String> = []
      var name = ""
      var isQuoted = false
      var isValue = false
      var before: Character = " "
      for character in options + "," {
        if character == "\"", before != "\\" { isQuoted.toggle() }
        if character == ",", !isQuoted {
          names.insert(name.lowercased())
          (name, isValue) = ("", false)
        } else if character == "=", !isQuoted {
          isValue = true
        } else if !isValue {
          name.append(character)
        }
        before = character
      }
      return names.subtracting([""])
    }
  }

  /// Byte for byte, without their line feeds.
  private(set) var lines: [[UInt8]]

  init(_ bytes: [UInt8]) {
    lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    if bytes.isEmpty || bytes.last == 0x0A { lines.removeLast() }
  }

  var bytes: [UInt8] { lines.flatMap { $0 + [0x0A] } }

  /// The lines that open the account.
  var keys: [Line] { lines.compactMap(Self.read) }

  func line(of fingerprint: String) -> Line? { keys.first { $0.key.fingerprint == fingerprint } }
  func lists(_ fingerprint: String) -> Bool { line(of: fingerprint) != nil }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Nil: a comment, or no key.
  static func read(_ line: [UInt8]) -> Line? {
    // A line of sshd's is a text of C: it ends at a zero byte.
    let text = line.prefix { $0 != 0 }.drop(while: isBlank)
    guard let first = text.first, first != UInt8(ascii: "#") else { return nil }
    if let key = key(text) { return Line(options: "", key: key) }
    var end = text.startIndex
    var isQuoted = false
    while end < text.endIndex, isQuoted || !isBlank(text[end]) {
      if text[end] == 0x5C, end + 1 < text.endIndex, text[end + 1] == 0x22 {
        end += 1
      } else if text[end] == 0x22 {
        isQuoted.toggle()
      }
      end += 1
    }
    guard let key = key(text[end...].drop(while: isBlank)) else { return nil }
    return Line(options: String(decoding: text[..<end], as: UTF8.self), key: key)
  }

  /// `TYPE BASE64`, whatever comes after it. OpenSSH reads over any white space in the base64 (`b64_pton`), and takes other
  /// names of the type: a line that it takes and we did not see would keep a key alive that is called dead.
  private static func key(_ text: ArraySlice<UInt8>) -> SSHPublicKey? {
    let type = text.prefix { !isBlank($0) }
    let base64 = text[type.endIndex...].drop(while: isBlank).prefix { !isBlank($0) }
      .filter { !(0x0B...0x0D).contains($0) }
    guard let data = Data(base64Encoded: String(decoding: base64, as: UTF8.self)),
      let key = SSHPublicKey(blob: Array(data))
    else { return nil }
    return key.type == SSHPublicKey.type(named: String(decoding: type, as: UTF8.self)) ? key : nil
  }

  // MARK: changes

  /// What a line leaves behind that was taken out before its successor was there: options are wanted again then.
  private static func trace(_ fingerprint: String) -> String {
    "# staunch took out \(fingerprint) with options: "
  }

  /// The options that a successor of `fingerprint` gets; nil: the key was never here.
  func options(of fingerprint: String) -> String? {
    if let line = line(of: fingerprint) { return line.options }
    let trace = Array(Self.trace(fingerprint).utf8)
    return lines.first { $0.starts(with: trace) }.map {
      String(decoding: $0.dropFirst(trace.count), as: UTF8.self)
    }
  }

  /// Adds `key` after the line of the one that it succeeds, once. - Parameter options: for it.
  mutating func add(_ key: SSHPublicKey, options: String, comment: String, after fingerprint: String?) {
    guard !lists(key.fingerprint) else { return }
    let line = Array(((options.isEmpty ? "" : options + " ") + key.line + " " + comment).utf8)
    let trace = fingerprint.map { Array(Self.trace($0).utf8) }
    if let trace, let place = lines.firstIndex(where: { $0.starts(with: trace) }) {
      lines[place] = line
    } else if let place = lines.lastIndex(where: { Self.read($0)?.key.fingerprint == fingerprint }) {
      lines.insert(line, at: place + 1)
    } else {
      lines.append(line)
    }
  }

  /// Takes every line of the key out. - Parameter isReplaced: false: its options are remembered in a comment.
  mutating func remove(_ fingerprint: String, isReplaced: Bool) {
    guard let first = lines.firstIndex(where: { Self.read($0)?.key.fingerprint == fingerprint }) else {
      return
    }
    if !isReplaced, let options = line(of: fingerprint)?.options {
      lines[first] = Array((Self.trace(fingerprint) + options).utf8)
    }
    lines.removeAll { Self.read($0)?.key.fingerprint == fingerprint }
  }
}
