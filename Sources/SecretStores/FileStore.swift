public import Capabilities
public import Secrets

/// A directory with one file for each key, the file's whole contents being the secret (the layout of Docker and
/// Kubernetes secrets, `/run/secrets/<key>`).
///
/// The version is the marker of the run that wrote it, kept beside it in `.<key>.rotated-by`.
public struct FileStore: SecretStore {
  public static let kind = "file"
  public static let summary = "A directory with one file for each secret."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "to write the directory",
    survives: "no former version is kept; backups and processes that have read it")
  public static let settings = [
    SettingDeclaration("directory", required: true, "where the files are; it must exist"),
    SettingDeclaration(
      "known", "other files of the directory that may hold the same secret: they are written along"),
  ]

  private let directory: String
  private let known: [String]
  private let files: any FileSystem

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    directory = try target.text("directory")
    known = try target.texts("known")
    files = environment.files
  }

  private func path(_ key: String) throws(CapabilityError) -> String {
    guard !key.isEmpty, !key.hasPrefix("."), !key.contains("/"), !key.utf8.contains(0) else {
      throw CapabilityError(
        .configuration, "write \(directory)", because: "the key is no file's name",
        fix: "use a name without / at first .")
    }
    return "\(directory)/\(key)"
  }

  private func marker(_ key: String) -> String { "\(directory)/.\(key).rotated-by" }

  public func readiness() async -> [Readiness] {
    guard let obstacle = await files.obstacle(toReplacing: "\(directory)/staunch") else {
      return [Readiness("writing", .ready("the directory may be written"))]
    }
    return [
      Readiness(
        "writing", .missing(because: obstacle, fix: "give the runner's user the file and its directory"))
    ]
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    guard await files.exists(try path(key)) else { return nil }
    guard await files.exists(marker(key)) else { return "unmanaged" }
    return try await files.read(marker(key)).exposeAsText()
  }

  /// Without one newline at the end, which editors add.
  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    var bytes = try await files.read(try path(key)).exposeAsBytes()
    if bytes.last == 0x0A { bytes.removeLast() }
    return Secret(SecretBytes(copying: bytes))
  }

  /// The marker is written last: a crash in between leaves a value that the repetition writes again.
  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    for old in old {
      try await follow(secret, old, sparing: others.union([key]), marker: marker, under: authority)
    }
    let path = try path(key)
    let isThere = await files.exists(path)
    if isThere, try await currentVersion(key) == marker, try await read(key).isSame(as: secret) {
      return marker
    }
    let original = isThere ? try await files.read(path) : nil
    let whole = Self.ending(secret, as: original)
    try await files.replace(path, with: whole, expecting: original, under: authority)
    guard try await files.read(path).isSame(as: whole) else { throw .changedMeanwhile(path) }
    try await files.replace(self.marker(key), with: Secret(marker), under: authority)
    return marker
  }

  /// With a newline at the end where the file has one: whoever reads it is used to that.
  private static func ending(_ secret: Secret, as original: Secret?) -> Secret {
    let value = secret.exposeAsBytes()
    guard let original, value.last != 0x0A, original.exposeAsBytes().last == 0x0A else { return secret }
    return Secret(SecretBytes(copying: value + [0x0A]))
  }

  /// The copies come first: a crash in between leaves the key's own file to tell that it is not done.
  private func follow(
    _ secret: Secret, _ old: Secret, sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let (value, former) = (secret.exposeAsBytes(), old.exposeAsBytes())
    for copy in try await copies(of: [old], besides: nil) where copy.canFollow && !others.contains(copy.key) {
      let path = try path(copy.key)
      let original = try await files.read(path)
      let text = original.exposeAsBytes()
      let newline: [UInt8] = text.last == 0x0A ? [0x0A] : []
      guard
        let whole = CredentialCopy(name: copy.key, text: text.dropLast(newline.count) + []).replacing(
          former, with: value)
      else { continue }
      try await files.replace(
        path, with: Secret(SecretBytes(copying: whole + newline)), expecting: original, under: authority)
      try await files.replace(self.marker(copy.key), with: Secret(marker), under: authority)
    }
  }

  /// Every file of the directory: a copy that somebody put beside (`KEY.old`) holds it, too. Only ``known`` ones are written.
  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    var copies: [SecretCopy] = []
    for name in try await names() where name != key {
      var text: [UInt8]
      do throws(CapabilityError) {
        text = try await files.read("\(directory)/\(name)").exposeAsBytes()
      } catch {
        copies.append(SecretCopy(key: name, canFollow: false, kind: .unread(because: error.because)))
        continue
      }
      if text.last == 0x0A { text.removeLast() }
      let held = secrets.map { CredentialCopy(name: name, text: text).holding($0.exposeAsBytes()) }
      if held.contains(where: { $0 != .nothing }) {
        copies.append(
          SecretCopy(key: name, canFollow: known.contains(name) && !held.contains(.unclear)))
      }
    }
    return copies
  }

  /// Without the markers, which are ours.
  private func names() async throws(CapabilityError) -> [String] {
    do throws(CapabilityError) {
      return try await files.files(in: directory).filter {
        !($0.hasPrefix(".") && $0.hasSuffix(".rotated-by"))
      }
    } catch {
      guard error.class == .notFound else { throw error }
      return []
    }
  }
}
