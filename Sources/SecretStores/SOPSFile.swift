public import Capabilities
import JSON
public import Secrets

/// Values of a YAML or JSON file that `sops` has encrypted, each under its path: `database.password`, `servers.0.token`.
///
/// No plain value stands on a disk, in an argument or in another program's environment: it is read from the output of
/// `sops decrypt`, and goes to `sops set --value-stdin` (sops 3.11 or newer). What is set lies in an encrypted copy beside the
/// file (`.NAME.MARKER.staged.yaml`) first; the copy is decrypted, must read as meant everywhere, and takes the file's place when that is
/// still what was read. Several entries change together. Former versions are in version control, where their holder can
/// still decrypt them: a rotated value is dead, an encrypted one is not taken out of history.
///
/// What the holder of the leaked value may have prepared: a rule or a name by which sops leaves a value as plain text (the
/// staged copy is refused, and no entry is added to such a file), other recipients (they read the new value, as they read
/// the old one: the file's own matter, listed by `sops filestatus` and git), a name that stands twice.
/// The runner's right: decrypt with one of the file's keys. Comments are not written by `sops set`; with the old value they are named.
/// Sources: https://getsops.io/docs/, https://github.com/getsops/sops/blob/main/CHANGELOG.md (3.11.0)
public struct SOPSFile: SecretStore {
  struct Settings: AdapterSettings {
    let path: String
    let format: String
    let program: String
    let ageKeyFile: String?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      path = try read.text(
        "path", "the encrypted file, which must be there; its name ends in .yaml, .yml or .json")
      program = try read.text("program", default: "sops", "where sops is")
      ageKeyFile = try read.optionalText(
        "age_key_file", "a file with the runner's age key; where sops itself looks when absent")
      format = DocumentKind.format(ofName: path)
      try read.check(
        ["yaml", "json"].contains(format), "the file is neither YAML nor JSON by its name",
        fix: "name a file that ends in .yaml, .yml or .json")
    }
  }

  public static let kind = "sops-file"
  public static let summary = "Values in a file that sops has encrypted."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "to decrypt with one of the file's keys, and to write the file and its directory",
    survives: "former versions in version control, for whoever can decrypt them")
  public static let settings = Settings.declarations

  private let settings: Settings
  private let document: DocumentKind
  private let marks: WriterMarks
  private let files: any FileSystem
  private let processes: any ProcessRunner

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    document = DocumentKind(
      path: settings.path, format: DocumentKind.formats[settings.format] ?? YAMLFormat.self)
    files = environment.files
    processes = environment.processes
    marks = WriterMarks(of: settings.path, files)
  }

  // MARK: sops

  private func call(_ arguments: [String], _ input: Secret? = nil) -> ProcessCall {
    ProcessCall(
      [settings.program] + arguments,
      environment: settings.ageKeyFile.map { ["SOPS_AGE_KEY_FILE": $0] } ?? [:], standardInput: input)
  }

  /// - Parameter path: of an encrypted file.
  private func decrypted(_ path: String) async throws(CapabilityError) -> DocumentText {
    let operation = "sops decrypt \(path)"
    let outcome = try await processes.readSecret(
      call(["decrypt", "--input-type", settings.format, "--output-type", settings.format, path]),
      readOnlyBecause: "sops decrypt without --in-place only prints")
    guard outcome.status == 0 else { throw Self.failure(outcome.status, operation) }
    return try document.parsed(outcome.output.exposeAsBytes())
  }

  /// What sops writes about an error may quote a file: its status says enough.
  /// Source: https://github.com/getsops/sops/blob/main/cmd/sops/codes/codes.go
  private static func failure(_ status: Int, _ operation: String) -> CapabilityError {
    switch status {
    case 128:
      CapabilityError(
        .refused, operation, because: "none of the file's keys is the runner's (status 128)",
        fix: "give the runner one of its keys (age_key_file), or add the runner to it with sops updatekeys")
    case 51:
      CapabilityError(
        .unsafe, operation, because: "the file was changed without sops: its checksum is wrong (status 51)",
        fix: "see in its Git history who changed it")
    default:
      CapabilityError(
        .unsupported, operation, because: "sops ended with status \(status)",
        fix: "see why: \(operation) > /dev/null; sops 3.11 or newer is needed")
    }
  }

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    if let obstacle = await files.obstacle(toReplacing: settings.path) {
      found.append(
        Readiness(
          "writing", .missing(because: obstacle, fix: "give the runner's user the file and its directory")))
    } else {
      found.append(Readiness("writing", .ready("the file may be written")))
    }
    do throws(CapabilityError) {
      let help = try await processes.inspect(
        call(["set", "--help"]), readOnlyBecause: "sops set --help only prints")
      guard help.output.contains("--value-stdin") else {
        throw CapabilityError(
          .unsupported, "sops set", because: "it takes a value only as an argument, where others can read it",
          fix: "install sops 3.11 or newer")
      }
      let count = try await decrypted(settings.path).leaves.count
      found.append(Readiness("decrypting", .ready("sops decrypts the file: \(count) values")))
    } catch { found.append(Readiness("decrypting", error)) }
    return found
  }

  // MARK: reading

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    guard try document.leaf(key, in: try await decrypted(settings.path)) != nil else { return nil }
    return try await marks.read()[key] ?? "unmanaged"
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    guard let leaf = try document.leaf(key, in: try await decrypted(settings.path)) else {
      throw CapabilityError(
        .notFound, "read \(key) of \(settings.path)", because: "the file has no such value",
        fix: "check the key in staunch.yaml")
    }
    return Secret(SecretBytes(copying: leaf.value))
  }

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    document.copies(of: secrets, besides: key, in: try await decrypted(settings.path)).map { copy in
      guard copy.kind == .remark else { return copy }
      return SecretCopy(key: copy.key, canFollow: false, kind: .remark)
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

  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(settings.path)"
    for entry in entries {
      _ = try document.location(entry.key)
      try DocumentKind.check(entry.secret.exposeAsBytes(), operation)
    }
    let original = try await files.read(settings.path)
    let encrypted = try document.parsed(original.exposeAsBytes())
    let before = try await decrypted(settings.path)
    var change = DocumentChange(before, document.format)
    for entry in entries {
      try change.set(
        try document.location(entry.key), at: try document.leaf(entry.key, in: before),
        to: entry.secret.exposeAsBytes(), operation)
    }
    let own = Set(entries.map(\.key))
    for entry in entries { change.follow(entry, sparing: others.union(own)) }
    if !change.values.isEmpty {
      for (path, _) in change.values { try Self.requireEncryption(of: path, in: encrypted, operation) }
      let staged = try await staged(
        change, lists: before.lists, original, marker: marker, operation, authority)
      try await files.replace(settings.path, with: staged, expecting: original, under: authority)
    }
    try await marks.add(marker, for: change.written.map(\.description) + own, under: authority)
    return marker
  }

  /// The encrypted copy with every change in it. It is taken away again in any case.
  private func staged(
    _ change: DocumentChange, lists: Set<DocumentPath>, _ original: Secret, marker: String,
    _ operation: String, _ authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Secret {
    guard !marker.contains("/") else {
      throw CapabilityError(.invalid, operation, because: "the marker is no part of a file's name")
    }
    let parts = settings.path.split(separator: "/", omittingEmptySubsequences: false)
    let name = ".\(parts.last ?? "").\(marker).staged.\(settings.format)"
    let stage = (parts.dropLast() + [name[...]]).joined(separator: "/")
    try await files.replace(stage, with: original, under: authority)
    let result: Result<Secret, CapabilityError>
    do throws(CapabilityError) {
      for (path, value) in change.values {
        let text = JSONValue.string(String(decoding: value, as: UTF8.self)).canonicalText
        let outcome = try await processes.run(
          call(["set", "--value-stdin", stage, Self.index(of: path, lists: lists)], Secret(text)),
          under: authority)
        guard outcome.status == 0 else { throw Self.failure(outcome.status, "sops set \(path)") }
      }
      let staged = try await files.read(stage)
      let encrypted = try document.parsed(staged.exposeAsBytes())
      for (path, _) in change.values { try Self.requireEncrypted(path, in: encrypted, operation) }
      try change.check(try await decrypted(stage), operation)
      result = .success(staged)
    } catch { result = .failure(error) }
    let removal = try await processes.run(ProcessCall(["rm", "-f", "--", stage]), under: authority)
    guard removal.status == 0 else {
      throw CapabilityError(
        .serverError, operation, because: "the staged copy \(stage) could not be removed",
        fix: "remove it by hand; it is encrypted")
    }
    return try result.get()
  }

  /// `["a"][0]["b"]`
  private static func index(of path: DocumentPath, lists: Set<DocumentPath>) -> String {
    var above = DocumentPath([])
    var index = ""
    for step in path.steps {
      index += lists.contains(above) ? "[\(step)]" : "[\(JSONValue.string(step).canonicalText)]"
      above = above.appending(step)
    }
    return index
  }

  /// Before anything is written: `sops set` writes plain text where a rule of the file says so.
  private static func requireEncryption(
    of path: DocumentPath, in encrypted: DocumentText, _ operation: String
  ) throws(CapabilityError) {
    if !encrypted.leaves(at: path).isEmpty { return try requireEncrypted(path, in: encrypted, operation) }
    func rule(_ name: String) -> String? {
      encrypted.leaves(at: DocumentPath(["sops", name])).first.map {
        String(decoding: $0.value, as: UTF8.self)
      }
    }
    let suffix = rule("unencrypted_suffix") ?? "_unencrypted"
    let others = [
      "encrypted_suffix", "encrypted_regex", "unencrypted_regex", "encrypted_comment_regex",
      "unencrypted_comment_regex",
    ].filter { rule($0) != nil }
    guard others.isEmpty, !path.steps.contains(where: { $0.hasSuffix(suffix) }) else {
      throw CapabilityError(
        .unsafe, operation, because: "a rule of the file may leave \(path) as plain text",
        fix: "add the entry with sops edit, see that it is encrypted, then: staunch resume")
    }
  }

  private static func requireEncrypted(
    _ path: DocumentPath, in encrypted: DocumentText, _ operation: String
  ) throws(CapabilityError) {
    guard encrypted.leaves(at: path).allSatisfy({ $0.value.starts(with: Array("ENC[".utf8)) }) else {
      throw CapabilityError(
        .unsafe, operation, because: "\(path) stands in the file as plain text, by a rule of the file",
        fix: "correct the rule, write the file anew with sops rotate -i, then: staunch resume")
    }
  }
}
