public import Capabilities
import JSON
public import Secrets

/// Values of a JSON, YAML, TOML or INI file, each under its path: `database.password`, `servers.0.token`, `"a.b".key`.
///
/// Only the bytes of a value change; order, comments, quotes, indentation, line ends, mode and owner stay. The new text is
/// read again before it replaces anything: every other value must read as before. It is written whole beside the file,
/// changes places with it, and back again when the file is not what was read. No former version is kept: it would hold the
/// leaked value.
///
/// Refused, and the file left as it is: a name that stands twice, an alias or a value under an anchor, a value that is no text
/// for its readers (a number, true, null), an INI value that readers disagree about, a second YAML document. An entry that is
/// not there is added to a mapping that is. Several entries change in one replacement.
///
/// The version is the marker of the run that wrote a value, kept in `.FILE.rotated-by` beside it: a hash of the value would
/// help to guess it. Values that follow (``CredentialCopy``) and comments are treated as in an `.env` file.
///
/// What the holder of the leaked value may have prepared in the file: a copy under another name or as a name (named), an
/// anchor that carries the value elsewhere (refused), a text of quotes that ends another one (read back), a link (what it
/// points to is replaced, and stays its owner's), a pipe (not read).
/// Sources: RFC 8259, https://yaml.org/spec/1.2.2/, https://toml.io/en/v1.0.0, https://docs.python.org/3/library/configparser.html
public struct DocumentFileStore: SecretStore {
  struct Settings: AdapterSettings {
    let path: String
    let format: String

    init(from read: inout SettingsReader) throws(CapabilityError) {
      path = try read.text("path", "the file; it is made when it is not there, its directory is not")
      let named = try read.optionalText(
        "format",
        "json, jsonc (JSON whose readers take comments), yaml, toml or ini; what the file's name ends in when absent"
      )
      let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
      let known = ["yml": "yaml", "cfg": "ini", "conf": "", "cnf": "ini"]
      format = named ?? known[ending] ?? ending
      try read.check(
        DocumentFileStore.formats[format] != nil, "no format is known for the file",
        fix: "add format: json, jsonc, yaml, toml or ini")
    }
  }

  public static let kind = "document-file"
  public static let summary = "Values in a JSON, YAML, TOML or INI file on this machine."
  public static let settings = Settings.declarations

  private static let formats: [String: any DocumentFormat.Type] = [
    "json": JSONFormat.self, "jsonc": CommentedJSONFormat.self, "yaml": YAMLFormat.self,
    "toml": TOMLFormat.self, "ini": INIFormat.self,
  ]

  private let path: String
  private let format: any DocumentFormat.Type
  private let files: any FileSystem

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    let settings = try Settings(target)
    path = settings.path
    format = Self.formats[settings.format] ?? JSONFormat.self
    files = environment.files
  }

  // MARK: reading

  private struct Contents {
    let text: DocumentText
    let byteOrderMark: [UInt8]
    /// Nil: there is no file.
    let original: Secret?
  }

  private func contents() async throws(CapabilityError) -> Contents {
    guard await files.exists(path) else {
      return Contents(text: try parsed([]), byteOrderMark: [], original: nil)
    }
    let original = try await files.read(path)
    let bytes = original.exposeAsBytes()
    let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.prefix(3)) : []
    return Contents(
      text: try parsed(Array(bytes.dropFirst(mark.count))), byteOrderMark: mark, original: original)
  }

  private func parsed(_ bytes: [UInt8]) throws(CapabilityError) -> DocumentText {
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

  private func location(_ key: String) throws(CapabilityError) -> DocumentPath {
    guard let path = DocumentPath(key) else {
      throw CapabilityError(
        .configuration, "find the key in \(path)", because: "the key is no path into a document",
        fix:
          "write names divided by dots, for example database.password; others in double quotes: \"a.b\".key")
    }
    return path
  }

  /// The value at `key`; nil when nothing is there.
  private func leaf(_ key: String, in text: DocumentText) throws(CapabilityError) -> DocumentText.Leaf? {
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

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    if let obstacle = await files.obstacle(toReplacing: path) {
      found.append(
        Readiness(
          "writing", .missing(because: obstacle, fix: "give the runner's user the file and its directory")))
    } else {
      found.append(Readiness("writing", .ready("the file may be written")))
    }
    do throws(CapabilityError) {
      let count = try await contents().text.leaves.count
      found.append(Readiness("reading", .ready("it is read as \(format.name): \(count) values")))
    } catch { found.append(Readiness("reading", error)) }
    return found
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    guard try leaf(key, in: try await contents().text) != nil else { return nil }
    return try await markers()[key] ?? "unmanaged"
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    guard let leaf = try leaf(key, in: try await contents().text) else {
      throw CapabilityError(
        .notFound, "read \(key) of \(path)", because: "the file has no such value",
        fix: "check the key in staunch.yaml")
    }
    return Secret(SecretBytes(copying: leaf.value))
  }

  // MARK: markers

  private var markerPath: String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast() + [".\(parts.last ?? "").rotated-by"]).joined(separator: "/")
  }

  private func markers() async throws(CapabilityError) -> [String: String] {
    guard await files.exists(markerPath) else { return [:] }
    let text = try await files.read(markerPath).exposeAsBytes()
    do {
      return (try JSONValue(parsing: text).object ?? [:]).compactMapValues(\.string)
    } catch {
      throw CapabilityError(
        .unsupported, "read \(markerPath)", because: "it is not what was written there",
        fix: "see who wrote it, and remove it")
    }
  }

  // MARK: writing

  public var takesSeveralEntries: Bool { true }

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await put(
      [StoreEntry(key, secret, replacing: old)], sparing: others, marker: marker, under: authority)
  }

  /// All of them in one replacement of the file. The markers are written last: a crash in between leaves values that the
  /// repetition finds in place.
  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(path)"
    let before = try await contents()
    var change = DocumentChange(before.text, format)
    for entry in entries {
      let value = entry.secret.exposeAsBytes()
      guard !value.isEmpty, !value.contains(0), String(validating: value, as: UTF8.self) != nil else {
        throw CapabilityError(
          .invalid, operation,
          because: "the file cannot hold an empty value, a zero byte or what is not UTF-8")
      }
      let place = try location(entry.key)
      try change.set(place, at: try leaf(entry.key, in: before.text), to: value, operation)
    }
    let own = Set(entries.map(\.key))
    for entry in entries { change.follow(entry, sparing: others.union(own)) }
    if change.isOne {
      let bytes = try change.result(operation)
      // What other programs will read must be what we mean.
      try change.check(try parsed(bytes), operation)
      let whole = Secret(SecretBytes(copying: before.byteOrderMark + bytes))
      try await files.replace(path, with: whole, expecting: before.original, under: authority)
      guard try await files.read(path).isSame(as: whole) else { throw .changedMeanwhile(path) }
    }
    var markers = try await markers()
    let known = markers
    for key in change.written.map(\.description) + own { markers[key] = marker }
    if markers != known {
      let text = JSONValue.object(markers.mapValues { .string($0) }).canonicalText
      try await files.replace(markerPath, with: Secret(text), under: authority)
    }
    return marker
  }

  // MARK: copies

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    let text = try await contents().text
    var copies: [SecretCopy] = []
    for leaf in text.leaves where leaf.path.description != key {
      let copy = CredentialCopy(name: leaf.path.last, text: leaf.value)
      let held = secrets.map { copy.holding($0.exposeAsBytes()) }
      guard held.contains(where: { $0 != .nothing }) else { continue }
      let name = leaf.path.description
      guard !copies.contains(where: { $0.key == name }) else { continue }
      copies.append(
        SecretCopy(key: name, canFollow: !leaf.style.isFixed && !held.contains(.unclear)))
    }
    for label in text.names {
      let copy = CredentialCopy(name: "", text: label.text)
      guard secrets.contains(where: { copy.holding($0.exposeAsBytes()) != .nothing }) else { continue }
      // The name itself is not repeated: it holds the secret.
      copies.append(
        SecretCopy(
          key: "a name under \(label.path.parent.steps.isEmpty ? "the top" : label.path.parent.description)",
          canFollow: false))
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
