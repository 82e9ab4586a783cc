public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

/// Secrets of Google Cloud's Secret Manager; a key is a secret's id.
///
/// A version that was added is what `latest` gives at once. Programs that read `versions/ALIAS` (setting `alias`) are moved by
/// the alias instead: then a value can lie ready, and moving back is one change, both under the secret's etag. Every value goes
/// with its CRC32C and is read back. Former versions that hold the old value are disabled, which `moveBack` takes back, or
/// destroyed, which nothing does (`former_versions: destroy`).
///
/// What the holder of a leaked login may have prepared:
/// - a version of their own between our reading and our writing: numbers have no gap, else it is a conflict;
/// - an expiry on the secret, so that the new value vanishes: refused before anything is written;
/// - a version that was damaged or put in another's place: what is read carries its checksum, and its name.
///
/// Sources: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets,
/// https://cloud.google.com/secret-manager/docs/data-integrity
public struct GCPSecretManager: VersionedStore, EntryVersions {
  struct Settings: AdapterSettings {
    let base: String
    let project: String
    let location: String?
    let login: GoogleLogin
    let alias: String?
    let known: [String]
    let creates: Bool
    let destroys: Bool
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://secretmanager.googleapis.com")
      project = try read.text("project", "the project's id")
      location = try read.optionalText(
        "location", "of a regional secret; base_url is then https://secretmanager.LOCATION.rep.googleapis.com"
      )
      login = try GoogleLogin(from: &read)
      alias = try read.optionalText(
        "alias", "the version alias that programs read; `latest`, which needs none, when absent")
      known = try read.texts(
        "known", "the ids of secrets that may hold the same value: they are searched and written along")
      creates =
        try read.word(
          "create", of: ["off", "on"], default: "off",
          "whether a secret that is not there is made (secretmanager.secrets.create)") == "on"
      destroys =
        try read.word(
          "former_versions", of: ["disable", "destroy"], default: "disable",
          "what becomes of former versions that hold a leaked value; destroyed ones are gone for good")
        == "destroy"
      trust = try read.trust()
      let names = [project, location, alias].compactMap(\.self) + known
      try read.check(
        names.allSatisfy { GCPSecretManager.isID($0) }, "project, location, alias or known is no id",
        fix: "use letters, digits, _ and -")
    }
  }

  public static let kind = "gcp-secret-manager"
  public static let summary = "Secrets of Google Cloud's Secret Manager."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "secretmanager.secrets.get; secretmanager.versions.add, access, list, disable (destroy "
      + "where former_versions says so); with alias secretmanager.secrets.update",
    survives: "former versions, disabled: who may enable them reads them")
  public static let settings = Settings.declarations

  let settings: Settings
  let api: RESTClient
  var known: [String] { settings.known }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    api = RESTClient(
      base: settings.base, login: .init(from: settings.login.tokens(in: environment)), trust: settings.trust,
      environment: environment,
      fix: "the runner's login needs the permissions that staunch doctor lists for this store")
  }

  /// "At most 255 characters, letters, digits, hyphens and underscores."
  static func isID(_ text: String) -> Bool {
    !text.isEmpty && text.count <= 255
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == 0x2D || byte == 0x5F
      }
  }

  func checkKey(_ key: String) throws(CapabilityError) {
    guard Self.isID(key) else {
      throw CapabilityError(
        .configuration, "secret of \(settings.project)", because: "the key is no secret's id",
        fix: "use letters, digits, _ and -")
    }
  }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("gcp:\(parent.dropFirst(4))/secrets/\(key)")
  }

  // MARK: reading

  private var parent: String {
    "/v1/projects/\(settings.project)" + (settings.location.map { "/locations/\($0)" } ?? "")
  }
  func path(_ key: String) -> String { "\(parent)/secrets/\(key)" }

  /// What `versions/NAME` gives; nil: there is none, or it is disabled or destroyed.
  func access(_ key: String, _ version: String) async throws(CapabilityError) -> EntryVersion? {
    let operation = "read version \(version) of \(key)"
    let answer = try await api.answer(path(key) + "/versions/\(version):access")
    switch (answer.status, GoogleAPI.status(of: answer)) {
    case (404, "NOT_FOUND"?), (400, "FAILED_PRECONDITION"?): return nil
    default: break
    }
    let told = try GoogleAPI.checked(answer, api, operation)
    guard let name = told["name"]?.string, name.contains("/secrets/\(key)/versions/"),
      let id = name.split(separator: "/").last, Int(id) != nil,
      let data = told["payload"]?["data"]?.string.flatMap({ Data(base64Encoded: $0) })
    else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is no version of it", fix: "check base_url")
    }
    // An int64 is a text in Google's JSON. Versions from before checksums have none.
    if let told = told["payload"]?["dataCrc32c"]?.string, told != "\(CRC32C.checksum(data))" {
      throw CapabilityError(
        .network, operation, because: "the value was damaged on its way: its checksum is another")
    }
    return EntryVersion(id: String(id), value: Secret(SecretBytes(copying: Array(data))))
  }

  func current(_ key: String) async throws(CapabilityError) -> EntryVersion? {
    try await access(key, settings.alias ?? "latest")
  }

  /// A version as the list shows it.
  struct Listed {
    let number: Int
    /// Google's word: `ENABLED`, `DISABLED`, `DESTROYED`.
    let state: String
    var isEnabled: Bool { state == "ENABLED" }
    var isDestroyed: Bool { state == "DESTROYED" }
  }

  /// All that there ever were, newest first: numbers are not used twice.
  func listed(_ key: String) async throws(CapabilityError) -> [Listed] {
    let operation = "list versions of \(key)"
    do throws(CapabilityError) {
      var found: [Listed] = []
      for json in try await GoogleAPI.list(path(key) + "/versions?pageSize=250", "versions", of: api) {
        guard let id = json["name"]?.string?.split(separator: "/").last, let number = Int(id) else {
          throw CapabilityError(.invalid, operation, because: "one has no number", fix: "check base_url")
        }
        guard let state = json["state"]?.string, ["ENABLED", "DISABLED", "DESTROYED"].contains(state) else {
          throw CapabilityError(.invalid, operation, because: "\(number) has no state that is known")
        }
        found.append(Listed(number: number, state: state))
      }
      return found.sorted { $0.number > $1.number }
    } catch {
      guard error.class == .notFound else { throw error }
      return []
    }
  }

  func former(_ key: String) async throws(CapabilityError) -> [EntryVersion] {
    let now = try await current(key)?.id
    var found: [EntryVersion] = []
    for version in try await listed(key) where version.isEnabled && "\(version.number)" != now {
      // One that lies ready is no former one.
      if let now = now.flatMap({ Int($0) }), version.number > now { continue }
      // One more than is looked through tells that there are more.
      guard found.count <= Self.mostVersions else { break }
      if let value = try await access(key, "\(version.number)") { found.append(value) }
    }
    return found
  }

  // MARK: rights

  public func readiness() async -> [Readiness] {
    guard !known.isEmpty else {
      return [
        Readiness(
          "rights",
          .unknown(because: "they are asked secret by secret: name those that staunch writes under known"))
      ]
    }
    var found: [Readiness] = []
    for key in known {
      var writing = [
        "secretmanager.secrets.get", "secretmanager.versions.add", "secretmanager.versions.access",
      ]
      if settings.alias != nil { writing.append("secretmanager.secrets.update") }
      let out = settings.destroys ? "secretmanager.versions.destroy" : "secretmanager.versions.disable"
      found += await GoogleAPI.readiness(
        [
          ("writing \(key)", writing),
          ("former versions of \(key)", ["secretmanager.versions.list", out]),
        ],
        excess: ["secretmanager.secrets.setIamPolicy", "secretmanager.secrets.delete"], on: path(key), of: api
      )
    }
    return found
  }
}
