public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// A secret of AWS Secrets Manager that holds a JSON object; a key is one of its members.
///
/// A new value comes in AWS's four steps: a version under `AWSPENDING`, set and tried elsewhere, then `AWSCURRENT` is moved to it
/// from the version that was read, which AWS refuses when somebody moved it meanwhile. A document is one version: several members
/// change together, and all else in it stays as it is written. The version that held the leaked value loses `AWSPREVIOUS` and
/// every other label: programs that ask for a label no longer get it. By its id it can be read until AWS deletes it, which nobody
/// can hasten; that is also what ``moveBack(_:to:under:)`` needs.
///
/// What the holder of a leaked key may have prepared: a version of their own under `AWSPENDING` (no run promotes it: it is
/// named), a rotation function, which may set another value (`doctor` names it), a resource policy or a label of their own
/// through which they read on (the label is taken off).
/// Tested on MiniStack, which has the labels right; unlike AWS it takes a token twice, so each version has a token of its own.
/// Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/ (PutSecretValue, UpdateSecretVersionStage,
/// DescribeSecret, GetSecretValue), https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
public struct AWSSecretsManager: VersionedStore {
  struct Settings: AdapterSettings {
    let aws: AWSClient.Settings
    let secret: String

    init(from read: inout SettingsReader) throws(CapabilityError) {
      secret = try read.text(
        "secret_id",
        "the secret's name or ARN; the runner needs DescribeSecret, GetSecretValue, PutSecretValue and UpdateSecretVersionStage on it"
      )
      try read.check(
        (1...2048).contains(secret.utf8.count) && secret.utf8.allSatisfy { (0x21...0x7E).contains($0) },
        "secret_id is no secret's name", fix: "write the name or ARN as AWS shows it")
      aws = try AWSClient.Settings(from: &read)
    }
  }

  public static let kind = "aws-secrets-manager"
  public static let summary = "A JSON secret of AWS Secrets Manager."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege: "secretsmanager:DescribeSecret, GetSecretValue, PutSecretValue, UpdateSecretVersionStage",
    survives: "the former version, by its id, until AWS deletes it")
  public static let settings = Settings.declarations

  let settings: Settings
  let client: AWSClient
  let environment: AdapterEnvironment
  static let current = "AWSCURRENT"
  static let pending = "AWSPENDING"
  /// Former versions beyond are not looked through, which is said. AWS keeps about a hundred.
  static let mostVersions = 50

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    client = AWSClient(settings.aws, in: environment)
    self.environment = environment
  }

  var name: String { settings.secret }

  /// Only an ARN says of which account it is.
  public func resource(of key: String) -> ResourceName? {
    name.hasPrefix("arn:") ? ResourceName("aws:\(name)") : nil
  }

  // MARK: reading

  /// A version and what it holds.
  struct Version {
    let id: String
    let document: JSONDocument
  }

  private static func isAbsent(_ answer: AWSAnswer) -> Bool { answer.code == "ResourceNotFoundException" }

  /// Labels of each version that has one; nil: there is no such secret.
  func labels() async throws(CapabilityError) -> [String: [String]]? {
    let answer = try await client.answer(.secretsManager, "DescribeSecret", ["SecretId": .string(name)])
    if Self.isAbsent(answer) { return nil }
    let told = try read(answer, "DescribeSecret")
    guard told["DeletedDate"] == nil || told["DeletedDate"] == .null else {
      throw CapabilityError(
        .unsafe, "secretsmanager:DescribeSecret", because: "\(name) is marked for deletion",
        fix: "see who did that; aws secretsmanager restore-secret --secret-id \(name)")
    }
    return (told["VersionIdsToStages"]?.object ?? [:]).mapValues { $0.array?.compactMap(\.string) ?? [] }
  }

  /// One version. - Parameters: a label or an id. - Returns: nil: there is none.
  func version(label: String? = nil, id: String? = nil) async throws(CapabilityError) -> Version? {
    var body: [String: JSONValue] = ["SecretId": .string(name)]
    if let label { body["VersionStage"] = .string(label) }
    if let id { body["VersionId"] = .string(id) }
    let answer = try await client.answer(.secretsManager, "GetSecretValue", .object(body))
    if Self.isAbsent(answer) { return nil }
    let told = try read(answer, "GetSecretValue")
    guard let id = told["VersionId"]?.string else {
      throw CapabilityError(
        .invalid, "secretsmanager:GetSecretValue", because: "the answer names no version")
    }
    guard let text = told["SecretString"]?.string, let document = JSONDocument(Array(text.utf8)) else {
      throw CapabilityError(
        .configuration, "secretsmanager:GetSecretValue", because: "\(name) holds no JSON object",
        fix: "keep the credential as a member of a JSON object: {\"NAME\":\"value\"}")
    }
    return Version(id: id, document: document)
  }

  private func read(_ answer: AWSAnswer, _ action: String) throws(CapabilityError) -> JSONValue {
    if let failure = client.failure(of: answer, .secretsManager, action, changes: false) { throw failure }
    do throws(JSONError) { return try JSONValue(parsing: answer.response.body) } catch {
      throw CapabilityError(
        .invalid, AWSClient.right(.secretsManager, action), because: "the answer is not JSON",
        fix: "check base_url and region")
    }
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try VaultKV.checkKey(key, name)
    guard let current = try await version() else { return nil }
    return current.document.fields[key] == nil ? nil : current.id
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    try VaultKV.checkKey(key, name)
    guard let value = try await version()?.document.fields[key] else {
      throw CapabilityError(
        .notFound, "read \(key) of \(name)", because: "the secret has no such member",
        fix: "check key and secret_id in staunch.yaml")
    }
    return Secret(SecretBytes(copying: VaultKV.text(of: value)))
  }

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    do throws(CapabilityError) {
      let told = try await client.get(
        .secretsManager, "DescribeSecret", ["SecretId": .string(name)] as JSONValue)
      guard let arn = told["ARN"]?.string else {
        throw CapabilityError(
          .invalid, "secretsmanager:DescribeSecret", because: "the answer names no secret")
      }
      found.append(Readiness("secret", .ready(arn)))
      if told["RotationEnabled"]?.boolean == true {
        found.append(
          Readiness(
            "rotation",
            .missing(
              because:
                "AWS rotates it by itself, with a function that may set another value than the run did",
              fix: "see whose function it is; aws secretsmanager cancel-rotate-secret --secret-id \(name)")))
      }
      found += await AWSRights(client: client).readiness(
        [
          .init(
            arn, "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage")
        ], excess: ["secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy"])
    } catch { found.append(Readiness("secret", error)) }
    return found
  }

  // MARK: copies

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    guard let current = try await version() else { return [] }
    var copies: [SecretCopy] = []
    for (field, value) in current.document.fields.sorted(by: { $0.key < $1.key }) where field != key {
      let held = VaultKV.held(secrets, field, value)
      guard held.contains(where: { $0 != .nothing }) else { continue }
      copies.append(SecretCopy(key: field, canFollow: value.string != nil && !held.contains(.unclear)))
    }
    let former = try await versions(holding: secrets, besides: current.id)
    for id in former.found.keys.sorted() {
      copies.append(SecretCopy(key: "version \(id) of \(name)", canFollow: true, kind: .remark))
    }
    if let unread = former.unread {
      copies.append(
        SecretCopy(key: "former versions of \(name)", canFollow: false, kind: .unread(because: unread)))
    }
    return copies
  }

  /// Versions with a label that hold one of `secrets`, with their labels, and why some were not looked at.
  func versions(holding secrets: [Secret], besides current: String) async throws(CapabilityError)
    -> (found: [String: [String]], unread: String?)
  {
    let former = (try await labels() ?? [:]).filter { $0.key != current && !$0.value.isEmpty }
    var found: [String: [String]] = [:]
    var unread: String?
    for (id, labels) in former.sorted(by: { $0.key < $1.key }).prefix(Self.mostVersions) {
      let fields: [String: JSONValue]
      do throws(CapabilityError) { fields = try await version(id: id)?.document.fields ?? [:] } catch {
        guard error.class == .configuration || error.class == .refused else { throw error }
        unread = "version \(id): \(error.because)"
        continue
      }
      let holds = fields.contains { field in
        VaultKV.held(secrets, field.key, field.value).contains { $0 != .nothing }
      }
      if holds { found[id] = labels }
    }
    let left = former.count - Self.mostVersions
    return (found, left > 0 ? "only \(Self.mostVersions) versions were read, \(left) were not" : unread)
  }
}
