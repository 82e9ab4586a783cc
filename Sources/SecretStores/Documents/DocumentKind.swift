import Capabilities
import Secrets

/// One document: where it is, and how it is read.
struct DocumentKind: Sendable {
  let path: String
  let format: any DocumentFormat.Type

  static let formats: [String: any DocumentFormat.Type] = [
    "json": JSONFormat.self, "jsonc": CommentedJSONFormat.self, "yaml": YAMLFormat.self,
    "toml": TOMLFormat.self, "ini": INIFormat.self,
  ]

  /// What a file's name says, as a word of ``formats``; another word where it says nothing.
  static func format(ofName path: String) -> String {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    return ["yml": "yaml", "cfg": "ini", "cnf": "ini"][ending] ?? ending
  }

  static func check(_ value: [UInt8], _ operation: String) throws(CapabilityError) {
    guard !value.isEmpty, !value.contains(0), String(validating: value, as: UTF8.self) != nil else {
      throw CapabilityError(
        .invalid, operation, because: "the file cannot hold an empty value, a zero byte or what is not UTF-8")
    }
  }

  func parsed(_ bytes: [UInt8]) throws(CapabilityError) -> DocumentText {
    let operation = "read \(path)"
    guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
      throw CapabilityError(
        .unsupported, operation, because: "it is not UTF-8",
        fix: "save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8 FILE > NEW")
    }
    // JSON has no empty document.
    let isBlank = bytes.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    let isJSON = format == JSONFormat.self || format == CommentedJSONFormat.self
    let bytes = isBlank && isJSON ? Array("{}\n".utf8) : bytes
    do throws(DocumentFault) { return try format.read(bytes) } catch {
      throw CapabilityError(
        .unsupported, operation, because: "line \(error.line): \(error.because)",
        fix:
          "correct the file, or format in staunch.yaml (it is read as \(format.name)), then: staunch resume")
    }
  }

  func location(_ key: String) throws(CapabilityError) -> DocumentPath {
    guard let path = DocumentPath(key) else {
      throw CapabilityError(
        .configuration, "find the key in \(path)", because: "the key is no path into a document",
        fix:
          "write names divided by dots, for example database.password; others in double quotes: \"a.b\".key")
    }
    return path
  }

  /// The value at `key`; nil when nothing is there.
  func leaf(_ key: String, in text: DocumentText) throws(CapabilityError) -> DocumentText.Leaf? {
    let place = try location(key)
    let found = text.leaves(at: place)
    let operation = "find \(key) in \(path)"
    guard found.count < 2 else {
      throw CapabilityError(
        .unsafe, operation,
        because: "it stands there \(found.count) times: readers differ in which one counts",
        fix: "keep one of them, then: staunch resume")
    }
    guard found.isEmpty, format == INIFormat.self else { return found.first }
    // For many readers of INI files these are one name.
    let low = place.description.lowercased()
    guard let other = text.leaves.first(where: { $0.path.description.lowercased() == low }) else {
      return nil
    }
    throw CapabilityError(
      .configuration, operation, because: "it stands there as \(other.path)",
      fix: "write it so in staunch.yaml")
  }

  // MARK: copies

  /// As ``SecretStore/copies(of:besides:)``.
  func copies(of secrets: [Secret], besides key: String?, in text: DocumentText) -> [SecretCopy] {
    var copies: [SecretCopy] = []
    for leaf in text.leaves where leaf.path.description != key {
      let copy = CredentialCopy(name: leaf.path.last, text: leaf.value)
      let held = secrets.map { copy.holding($0.exposeAsBytes()) }
      let name = leaf.path.description
      guard held.contains(where: { $0 != .nothing }), !copies.contains(where: { $0.key == name }) else {
        continue
      }
      copies.append(
        SecretCopy(key: name, canFollow: !leaf.style.isFixed && !held.contains(.unclear)))
    }
    for label in text.names {
      let copy = CredentialCopy(name: "", text: label.text)
      guard secrets.contains(where: { copy.holding($0.exposeAsBytes()) != .nothing }) else { continue }
      // The name itself is not repeated: it holds the secret.
      let above = label.path.parent
      copies.append(
        SecretCopy(
          key: "a name under \(above.steps.isEmpty ? "the top" : above.description)", canFollow: false))
    }
    let remarks = text.remarks.flatMap { range in
      let copy = CredentialCopy(name: "", text: Array(text.bytes[range]))
      return secrets.map { copy.holding($0.exposeAsBytes()) }
    }
    if remarks.contains(where: { $0 != .nothing }) {
      copies.append(
        SecretCopy(key: "the comments", canFollow: !remarks.contains(.unclear), kind: .remark))
    }
    return copies
  }
}

extension DocumentText.Style {
  var isFixed: Bool { if case .fixed = self { true } else { false } }
}
