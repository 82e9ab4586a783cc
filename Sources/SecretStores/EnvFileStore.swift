public import Capabilities
import JSON
public import Secrets

/// An `.env` file: one variable for each key. Replaced atomically, mode and owner kept, comments and order too.
///
/// The version is the marker of the run that wrote the value; it stands in a comment above the variable, because a hash
/// of the value would help to guess it. Values that were never written by us have the version `unmanaged`.
/// Variables that hold the old value too, alone or in a connection string, as it is or percent-encoded, are written along
/// (``CredentialCopy``). Name one under `templates` to say how it is written:
/// `{DATABASE_URL: "postgres://app:{secret}@db/app"}`. Out of comments the old value is taken; where it cannot be told from
/// the text around it, they are named.
public struct EnvFileStore: SecretStore {
  public static let kind = "env-file"
  public static let summary = "Variables in an .env file on this machine."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "to write the file and its directory, as their owner",
    survives: "no former version is kept; backups, editors' copies and processes that have read it")
  public static let settings = [
    SettingDeclaration("path", required: true, "the file; it is made when it is not there"),
    SettingDeclaration(
      "templates",
      "how other variables that hold the same secret are written: a mapping of key to {variable: text with {secret}}; others follow in the spelling they have"
    ),
  ]

  private let path: String
  /// Key → variable → text with `{secret}`.
  private let templates: [String: [String: String]]
  private let files: any FileSystem

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    path = try target.text("path")
    files = environment.files
    var templates: [String: [String: String]] = [:]
    for (key, variables) in target.settings["templates"]?.object ?? [:] {
      for (variable, text) in variables.object ?? [:] {
        guard let text = text.string, text.contains("{secret}"), variable != key else {
          throw CapabilityError(
            .configuration, "\(target.position): \(target.name)",
            because: "the template of \(variable) is no text with {secret}",
            fix:
              "write under templates: \(key): \(variable): the text that it holds, with {secret} in the secret's place"
          )
        }
        templates[key, default: [:]][variable] = text
      }
    }
    self.templates = templates
  }

  private func file() async throws(CapabilityError) -> EnvFile { try await contents().file }

  /// The file, and what was read; nil: there is none.
  private func contents() async throws(CapabilityError) -> (file: EnvFile, original: Secret?) {
    guard await files.exists(path) else { return (EnvFile([]), nil) }
    let original = try await files.read(path)
    let bytes = original.exposeAsBytes()
    // No variable would be found in it, and a new one would be written in another encoding.
    guard !bytes.contains(0) else {
      throw CapabilityError(
        .unsupported, "read \(path)", because: "it holds zero bytes (NUL): it is UTF-16 or a binary format",
        fix: "save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8 FILE > NEW")
    }
    return (EnvFile(bytes), original)
  }

  public func readiness() async -> [Readiness] {
    guard let obstacle = await files.obstacle(toReplacing: path) else {
      return [Readiness("writing", .ready("the file may be written"))]
    }
    return [
      Readiness(
        "writing", .missing(because: obstacle, fix: "give the runner's user the file and its directory"))
    ]
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    let file = try await file()
    return file.value(of: key) == nil ? nil : file.mark(of: key) ?? "unmanaged"
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    guard let value = try await file().value(of: key) else {
      throw CapabilityError(
        .notFound, "read \(key) of \(path)", because: "the file has no such variable",
        fix: "check the key in staunch.yaml")
    }
    return Secret(SecretBytes(copying: value))
  }

  public var takesSeveralEntries: Bool { true }

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await put(
      [StoreEntry(key, secret, replacing: old)], sparing: others, marker: marker, under: authority)
  }

  /// All of them in one replacement of the file.
  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(path)"
    for entry in entries { try Self.check(entry, operation) }
    let (before, original) = try await contents()
    var file = before
    for entry in entries { set(entry, in: &file, marker: marker) }
    let written = entries.reduce(into: others) { $0.formUnion([$1.key] + (templates[$1.key] ?? [:]).keys) }
    var changed = entries.reduce(into: Set<String>()) {
      $0.formUnion([$1.key] + (templates[$1.key] ?? [:]).keys)
    }
    for entry in entries {
      changed.formUnion(follow(entry, in: &file, sparing: written, marker: marker))
    }
    guard file.bytes != before.bytes else { return marker }
    // What other programs will read must be what we mean: parsed back before it replaces anything, and after.
    let after = EnvFile(file.bytes)
    guard Self.holds(after, entries), after.keeps(before, besides: changed) else {
      throw CapabilityError(
        .unsafe, operation, because: "the value, or another variable, would not read back from the file",
        fix: "close the quote that was left open in \(path), then: staunch resume")
    }
    try await files.replace(
      path, with: Secret(SecretBytes(copying: file.bytes)), expecting: original, under: authority)
    guard Self.holds(try await self.file(), entries) else { throw .changedMeanwhile(path) }
    return marker
  }

  private static func check(_ entry: StoreEntry, _ operation: String) throws(CapabilityError) {
    guard isVariable(entry.key) else {
      throw CapabilityError(
        .configuration, operation, because: "the key is no variable's name", fix: "use letters, digits and _")
    }
    let value = entry.secret.exposeAsBytes()
    guard !value.isEmpty, !value.contains(0) else {
      throw CapabilityError(
        .invalid, operation, because: "an .env file cannot hold an empty value or a zero byte")
    }
  }

  private static func holds(_ file: EnvFile, _ entries: [StoreEntry]) -> Bool {
    entries.allSatisfy { file.value(of: $0.key) == $0.secret.exposeAsBytes() }
  }

  /// The variable itself, and those that a template says.
  private func set(_ entry: StoreEntry, in file: inout EnvFile, marker: String) {
    let value = entry.secret.exposeAsBytes()
    if file.value(of: entry.key) != value || file.mark(of: entry.key) != marker {
      file.set(entry.key, to: value, mark: marker)
    }
    for (variable, text) in (templates[entry.key] ?? [:]).sorted(by: { $0.key < $1.key }) {
      let whole = Self.filled(text, with: value)
      if file.value(of: variable) != whole { file.set(variable, to: whole, mark: marker) }
    }
  }

  /// What holds a value that the entry succeeds. - Returns: the variables that were written.
  private func follow(
    _ entry: StoreEntry, in file: inout EnvFile, sparing written: Set<String>, marker: String
  ) -> Set<String> {
    let value = entry.secret.exposeAsBytes()
    var followed: Set<String> = []
    for secret in entry.old {
      let old = secret.exposeAsBytes()
      for variable in Self.holders(of: old, in: file)
      where !written.contains(variable) && Self.canFollow(old, variable, in: file) {
        guard let text = file.value(of: variable) else { continue }
        let last = CredentialCopy(name: variable, text: text)
        if let whole = last.replacing(old, with: value) {
          file.set(variable, to: whole, mark: marker)
          followed.insert(variable)
        } else if last.holding(old) == .nothing {
          // An earlier assignment holds it, which the last one overrides: no place keeps it.
          file.set(variable, to: text, mark: marker)
          followed.insert(variable)
        }
      }
      file.redactRemarks(of: old)
    }
    return followed
  }

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    let file = try await file()
    var copies: [SecretCopy] = []
    for secret in secrets {
      let value = secret.exposeAsBytes()
      for variable in Self.holders(of: value, in: file)
      where variable != key && !copies.contains(where: { $0.key == variable }) {
        // What a template says is written along whatever stands there now.
        let isTemplate = key.flatMap { templates[$0]?[variable] } != nil
        copies.append(
          SecretCopy(key: variable, canFollow: isTemplate || Self.canFollow(value, variable, in: file)))
      }
    }
    let remarks = file.remarks.flatMap { remark in secrets.map { remark.holding($0.exposeAsBytes()) } }
    if remarks.contains(where: { $0 != .nothing }) {
      copies.append(
        SecretCopy(key: "the comments", canFollow: !remarks.contains(.unclear), kind: .remark))
    }
    return copies
  }

  /// The variables with an assignment that holds `value`, in order.
  private static func holders(of value: [UInt8], in file: EnvFile) -> [String] {
    var found: [String] = []
    for entry in file.entries where !found.contains(entry.key) {
      if CredentialCopy(name: entry.key, text: entry.value).holding(value) != .nothing {
        found.append(entry.key)
      }
    }
    return found
  }

  /// Every assignment of `variable` that holds `value` can be given another one.
  private static func canFollow(_ value: [UInt8], _ variable: String, in file: EnvFile) -> Bool {
    isVariable(variable)
      && file.entries.filter { $0.key == variable }.allSatisfy {
        CredentialCopy(name: variable, text: $0.value).holding(value) != .unclear
      }
  }

  private static func isVariable(_ key: String) -> Bool {
    guard let first = key.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return key.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
    }
  }

  /// Puts the secret in place byte for byte.
  private static func filled(_ text: String, with value: [UInt8]) -> [UInt8] {
    var rest = Array(text.utf8)[...]
    var result: [UInt8] = []
    while let place = rest.firstRange(of: Array("{secret}".utf8)) {
      result += rest[..<place.lowerBound] + value
      rest = rest[place.upperBound...]
    }
    return result + rest
  }
}
