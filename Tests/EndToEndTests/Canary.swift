import Foundation
import Secrets

/// Looks for secrets, in every form, in everything a run left behind.
///
/// The forms of the table, escapes and layers included, and the most common forms computed here once more, independently: a
/// mistake in the table must not hide itself.
struct Canary {
  /// A hit: which secret, in which form, where.
  struct Hit: CustomStringConvertible, Hashable {
    let secret: String
    let form: String
    let place: String
    var description: String { "\(secret) as \(form) in \(place)" }
  }

  private let needles: [(secret: String, form: String, bytes: Data)]
  private let names: [String]
  private let search: SecretSearch

  /// - Parameter secrets: name → value. The name is what a failing test prints.
  init(_ secrets: [String: String]) {
    var needles: [(secret: String, form: String, bytes: Data)] = []
    for (name, value) in secrets {
      let raw = Data(value.utf8)
      needles.append((name, "raw", raw))
      for shift in 0..<3 {
        // What base64 shows of the secret when `shift` bytes stand before it and unknown ones after it.
        let text = (Data(repeating: 0, count: shift) + raw).base64EncodedString()
        let first = shift == 0 ? 0 : shift + 1
        let last = (shift + raw.count) * 8 / 6
        let core = text.dropFirst(first).prefix(max(0, last - first))
        needles.append((name, "base64+\(shift)", Data(core.utf8)))
        let url = core.replacing("+", with: "-").replacing("/", with: "_")
        needles.append((name, "base64url+\(shift)", Data(url.utf8)))
      }
      let hex = raw.map { String(format: "%02x", $0) }.joined()
      needles.append((name, "hex", Data(hex.utf8)))
      needles.append((name, "HEX", Data(hex.uppercased().utf8)))
      let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
      needles.append(
        (name, "percent", Data((value.addingPercentEncoding(withAllowedCharacters: unreserved) ?? "").utf8)))
      needles.append((name, "utf-16", value.data(using: .utf16LittleEndian) ?? Data()))
      if let json = try? JSONEncoder().encode(value) {  // only invalid text cannot be encoded
        needles.append((name, "json", json.dropFirst().dropLast()))
      }
      for entry in SecretForms.entries(of: Array(raw)) {
        needles.append((name, entry.form.rawValue, Data(entry.bytes)))
      }
    }
    self.needles = needles.filter { $0.bytes.count >= 6 }
    let long = secrets.filter { $0.value.utf8.count >= 6 }.sorted { $0.key < $1.key }
    names = long.map(\.key)
    search = SecretSearch(long.map { Secret($0.value) })
  }

  /// Hits in `text`.
  func hits(in text: String, place: String) -> [Hit] { hits(in: Data(text.utf8), place: place) }

  /// Hits in `data`.
  func hits(in data: Data, place: String) -> [Hit] {
    let whole = needles.compactMap { needle in
      data.range(of: needle.bytes) == nil ? nil : Hit(secret: needle.secret, form: needle.form, place: place)
    }
    // As people and programs mix them.
    return whole
      + search.occurrences(in: Array(data)).map { found in
        Hit(secret: names[found.secret], form: found.form.rawValue, place: place)
      }
  }

  /// Hits in the names and contents of every file below `directory`, except below the paths in `except`.
  func hits(below directory: String, except: [String] = []) throws -> [Hit] {
    var found: [Hit] = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory).sorted() {
      if except.contains(where: { name == $0 || name.hasPrefix($0 + "/") }) { continue }
      found += hits(in: name, place: "file name \(name)")
      let path = directory + "/" + name
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue
      else { continue }
      guard let data = FileManager.default.contents(atPath: path) else { continue }  // sockets
      found += hits(in: data, place: name)
    }
    return found
  }
}
