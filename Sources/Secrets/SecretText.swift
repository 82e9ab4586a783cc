import Foundation

/// A file or a pipe that holds one secret, as a person, an editor or a shell wrote it: read as what was meant, or refused.
///
/// A value that is taken wrongly fails nowhere: it is sent, turned down, and the credential is called dead.
public enum SecretText {
  /// Why the bytes are not taken as a secret. It never repeats them.
  public struct Refusal: Error, Sendable, Hashable {
    public let because: String
    public let fix: String
  }

  /// The secret, without byte-order mark and without the one line end at the end. Line ends inside stay.
  public static func secret(_ file: [UInt8]) throws(Refusal) -> Secret {
    var text = try utf8(file)
    guard !text.contains(0) else {
      throw Refusal(
        because: "it holds a zero byte (NUL): a binary format or an unknown encoding",
        fix: "save the secret as UTF-8 text")
    }
    if text.last == 0x0A {
      text.removeLast()
      if text.last == 0x0D { text.removeLast() }
    }
    if text.last == 0x0A || text.last == 0x0D {
      throw ambiguous("more than one line end stands at its end", remove: "all of them but one")
    }
    if text.last == 0x20 || text.last == 0x09 {
      throw ambiguous("a blank stands at its end", remove: "it")
    }
    if let first = text.first, [0x20, 0x09, 0x0A, 0x0D].contains(first) {
      throw ambiguous("a blank or an empty line stands at its beginning", remove: "it")
    }
    return Secret(SecretBytes(copying: text))
  }

  private static func ambiguous(_ what: String, remove: String) -> Refusal {
    Refusal(
      because: "\(what): whether that belongs to the secret cannot be told",
      fix: "remove \(remove); when it does belong to the secret, hand it over as env:NAME")
  }

  private static func utf8(_ file: [UInt8]) throws(Refusal) -> [UInt8] {
    // UTF-32 first: its little-endian mark begins like that of UTF-16.
    if file.starts(with: [0xFF, 0xFE, 0, 0]) || file.starts(with: [0, 0, 0xFE, 0xFF]) {
      throw encoded("UTF-32", name: "UTF-32")
    }
    if file.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(file.dropFirst(3)) }
    if file.starts(with: [0xFF, 0xFE]) { return try utf16(file.dropFirst(2), .utf16LittleEndian) }
    if file.starts(with: [0xFE, 0xFF]) { return try utf16(file.dropFirst(2), .utf16BigEndian) }
    if file.count >= 2, file.count % 2 == 0 {
      let odd = stride(from: 1, to: file.count, by: 2).allSatisfy { file[$0] == 0 }
      if odd { throw encoded("UTF-16 without a byte-order mark", name: "UTF-16LE") }
      let even = stride(from: 0, to: file.count, by: 2).allSatisfy { file[$0] == 0 }
      if even { throw encoded("UTF-16 without a byte-order mark", name: "UTF-16BE") }
    }
    return file
  }

  private static func utf16(_ bytes: ArraySlice<UInt8>, _ encoding: String.Encoding) throws(Refusal)
    -> [UInt8]
  {
    guard bytes.count % 2 == 0, let text = String(data: Data(bytes), encoding: encoding) else {
      throw encoded("UTF-16 that is cut off or damaged", name: "UTF-16")
    }
    return Array(text.utf8)
  }

  private static func encoded(_ encoding: String, name: String) -> Refusal {
    Refusal(
      because: "it is \(encoding)",
      fix: "save it as UTF-8, for example: iconv -f \(name) -t UTF-8 FILE > NEW; "
        + "in PowerShell: Set-Content -Encoding utf8")
  }
}
