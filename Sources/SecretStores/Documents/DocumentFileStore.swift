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
      format = named ?? DocumentKind.format(ofName: path)
      try read.check(
        DocumentKind.formats[format] != nil, "no format is known for the file",
        fix: "add format: json, jsonc, yaml, toml or ini")
    }
  }

  public static let kind = "document-file"
  public static let summary = "Values in a JSON, YAML, TOML or INI file on this machine."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "to write the file and its directory, as their owner",
    survives: "no former version is kept; backups, editors' copies and processes that have read it")
  public static let settings = Settings.declarations

  private let path: String
  private let document: DocumentKind
  private let marks: WriterMarks
  private let files: any FileSystem

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    let settings = try Settings(target)
    path = settings.path
    document = DocumentKind(
      path: settings.path, format: DocumentKind.formats[settings.format] ?? JSONFormat.self)
    files = environment.files
    marks = WriterMarks(of: settings.path, files)
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
      return Contents(text: try document.parsed([]), byteOrderMark: [], original: nil)
    }
    let original = try await files.read(path)
    let bytes = original.exposeAsBytes()
    let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.prefix(3)) : []
    return Contents(
      text: try document.parsed(Array(bytes.dropFirst(mark.count))), byteOrderMark: mark, original: original)
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
      found.append(Readiness("reading", .ready("it is read as \(document.format.name): \(count) values")))
    } catch { found.append(Readiness("reading", error)) }
    return found
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    guard try document.leaf(key, in: try await contents().text) != nil else { return nil }
    return try await marks.read()[key] ?? "unmanaged"
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    guard let leaf = try document.leaf(key, in: try await contents().text) else {
      throw CapabilityError(
        .notFound, "read \(key) of \(path)", because: "the file has no such value",
        fix: "check the key in staunch.yaml")
    }
    return Secret(SecretBytes(copying: leaf.value))
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
    var change = DocumentChange(before.text, document.format)
    for entry in entries {
      let value = entry.secret.exposeAsBytes()
      try DocumentKind.check(value, operation)
      let place = try document.location(entry.key)
      try change.set(place, at: try document.leaf(entry.key, in: before.text), to: value, operation)
    }
    let own = Set(entries.map(\.key))
    for entry in entries { change.follow(entry, sparing: others.union(own)) }
    if change.isOne {
      let bytes = try change.result(operation)
      // What other programs will read must be what we mean.
      try change.check(try document.parsed(bytes), operation)
      let whole = Secret(SecretBytes(copying: before.byteOrderMark + bytes))
      try await files.replace(path, with: whole, expecting: before.original, under: authority)
      guard try await files.read(path).isSame(as: whole) else { throw .changedMeanwhile(path) }
    }
    try await marks.add(marker, for: change.written.map(\.description) + own, under: authority)
    return marker
  }

  // MARK: copies

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    document.copies(of: secrets, besides: key, in: try await contents().text)
  }
}
