public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// Parameters of AWS Systems Manager below one path; a key is the last part of a parameter's name.
///
/// Parameter Store has no check-and-set: each write answers with the version that it made, and one more than was read
/// means that somebody wrote in between, which is said. Type and KMS key of a parameter stay as they are; a new one
/// is a `SecureString`. It has no way to take a version out, either: the leaked value stays readable under its number until the
/// parameter is deleted, so former versions that hold it are named for a person.
///
/// What the holder of a leaked key may have prepared: an expiration policy that deletes the parameter (refused before anything
/// is written), a label on the leaked version, by which programs go on reading it (its version is named).
/// Tested on MiniStack.
/// Sources: https://docs.aws.amazon.com/systems-manager/latest/APIReference/ (GetParameter, GetParametersByPath,
/// GetParameterHistory, PutParameter)
public struct AWSParameterStore: SecretStore {
  struct Settings: AdapterSettings {
    let aws: AWSClient.Settings
    let path: String

    init(from read: inout SettingsReader) throws(CapabilityError) {
      path = try read.text(
        "path",
        "the parameters' path: /app/production; the runner needs ssm:GetParameter, GetParametersByPath, GetParameterHistory and PutParameter below it, and the KMS key"
      )
      try read.check(
        Self.isPath(path), "path is no path of parameters",
        fix: "write it with a slash before and none behind, for example path: /app/production")
      aws = try AWSClient.Settings(from: &read)
    }

    private static func isPath(_ text: String) -> Bool {
      text.hasPrefix("/") && text.utf8.count < 900
        && text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
          !part.isEmpty
            && part.utf8.allSatisfy { byte in
              (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "_.-".utf8.contains(byte)
            }
        }
    }
  }

  public static let kind = "aws-ssm"
  public static let summary = "Parameters of AWS Systems Manager below one path."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege: "ssm:GetParameter, GetParametersByPath, GetParameterHistory, PutParameter",
    survives: "former versions, under their numbers, until the parameter is deleted")
  public static let settings = Settings.declarations

  private let settings: Settings
  private let client: AWSClient
  /// No path of ours has more pages of ten.
  private static let mostPages = 100

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    client = AWSClient(settings.aws, in: environment)
  }

  /// As it is and as it was.
  private struct Parameter {
    let key: String
    let value: String
    let version: Int
    let type: String
    let kmsKey: String?
    let hasPolicies: Bool

    init?(_ json: JSONValue) {
      guard let name = json["Name"]?.string, let value = json["Value"]?.string,
        let version = json["Version"]?.integer, let type = json["Type"]?.string
      else { return nil }
      key = String(name.split(separator: "/").last ?? "")
      self.value = value
      self.version = version
      self.type = type
      kmsKey = json["KeyId"]?.string
      hasPolicies = json["Policies"]?.array?.isEmpty == false
    }
  }

  private func name(_ key: String) throws(CapabilityError) -> String {
    try VaultKV.checkKey(key, settings.path)
    return "\(settings.path)/\(key)"
  }

  private func parameter(_ key: String) async throws(CapabilityError) -> Parameter? {
    let answer = try await client.answer(
      .ssm, "GetParameter", ["Name": .string(try name(key)), "WithDecryption": true])
    if answer.code == "ParameterNotFound" { return nil }
    if let failure = client.failure(of: answer, .ssm, "GetParameter", changes: false) { throw failure }
    // What is no parameter is told below.
    let json = try? JSONValue(parsing: answer.response.body)
    guard let parameter = json?["Parameter"].flatMap(Parameter.init) else {
      throw CapabilityError(.invalid, "ssm:GetParameter", because: "the answer is no parameter")
    }
    return parameter
  }

  /// A list that comes in pages, whole.
  private func list(_ action: String, _ body: [String: JSONValue]) async throws(CapabilityError)
    -> [Parameter]
  {
    var found: [Parameter] = []
    var token: String?
    var pages = 0
    repeat {
      var body = body
      body["NextToken"] = token.map { .string($0) }
      let page = try await client.get(.ssm, action, .object(body))
      guard let elements = page["Parameters"]?.array else {
        throw CapabilityError(.invalid, "ssm:\(action)", because: "the answer is no list of parameters")
      }
      let read = elements.compactMap(Parameter.init)
      guard read.count == elements.count, pages < Self.mostPages else {
        throw CapabilityError(.invalid, "ssm:\(action)", because: "the list cannot be read to its end")
      }
      found += read
      token = page["NextToken"]?.string
      pages += 1
    } while token != nil
    return found
  }

  private func all() async throws(CapabilityError) -> [Parameter] {
    try await list(
      "GetParametersByPath", ["Path": .string(settings.path), "Recursive": false, "WithDecryption": true]
    ).sorted { $0.key < $1.key }
  }

  /// Oldest first.
  private func history(_ key: String) async throws(CapabilityError) -> [Parameter] {
    try await list("GetParameterHistory", ["Name": .string(try name(key)), "WithDecryption": true])
      .sorted { $0.version < $1.version }
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try await parameter(key).map { "\($0.version)" }
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    guard let parameter = try await parameter(key) else {
      throw CapabilityError(
        .notFound, "ssm:GetParameter", because: "there is no parameter \(try name(key))",
        fix: "check key and path in staunch.yaml")
    }
    return Secret(parameter.value)
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      var found = [Readiness("path", .ready("\(try await all().count) parameters in \(settings.path)"))]
      guard let account = try await client.get(.sts, "GetCallerIdentity")["Account"]?.text else {
        throw CapabilityError(.invalid, "sts:GetCallerIdentity", because: "the answer names no account")
      }
      found += await AWSRights(client: client).readiness(
        [
          .init(
            "arn:\(client.partition):ssm:\(settings.aws.region):\(account):parameter\(settings.path)/staunch",
            "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter")
        ], excess: ["ssm:DeleteParameter", "ssm:SendCommand"])
      return found
    } catch { return [Readiness("path", error)] }
  }

  // MARK: writing

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let entry = StoreEntry(key, secret, replacing: old)
    let values = try VaultKV.values(of: [entry], "ssm:PutParameter", settings.path)
    let before = try await parameter(key)
    var version = before?.version ?? 0
    if let value = values[key], before?.value != value {
      version = try await write(key, value, over: before, under: authority)
    }
    guard !old.isEmpty else { return "\(version)" }
    let present = try await all()
    var fields: [String: JSONValue] = [:]
    for parameter in present { fields[parameter.key] = .string(parameter.value) }
    let changes = VaultKV.changes([entry], values, sparing: others, in: fields)
    for parameter in present where parameter.key != key {
      guard let followed = changes[parameter.key]?.string else { continue }
      _ = try await write(parameter.key, followed, over: parameter, under: authority)
    }
    return "\(version)"
  }

  private func write(
    _ key: String, _ value: String, over before: Parameter?, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Int {
    let operation = "ssm:PutParameter"
    let name = try name(key)
    var body: [String: JSONValue] = ["Name": .string(name), "Value": .string(value)]
    if before != nil {
      guard let last = try await history(key).last else {
        throw CapabilityError(.invalid, "ssm:GetParameterHistory", because: "\(name) has no history")
      }
      guard !last.hasPolicies else {
        throw CapabilityError(
          .unsafe, operation, because: "\(name) has a policy, which may delete it after a while",
          fix: "see who set it: aws ssm get-parameter-history --name \(name); take the policy off")
      }
      body["Overwrite"] = true
      body["Type"] = .string(last.type)
      // Without it AWS would take its own key.
      if last.type == "SecureString" { body["KeyId"] = last.kmsKey.map { .string($0) } }
    } else {
      body["Type"] = "SecureString"
    }
    let made: Int
    do throws(CapabilityError) {
      let answer = try await client.change(.ssm, "PutParameter", .object(body), under: authority)
      guard let version = answer["Version"]?.integer else {
        throw CapabilityError(
          .unknownOutcome, operation, because: "it was done, but the answer names no version")
      }
      made = version
    } catch {
      guard error.class == .unknownOutcome, let now = try await parameter(key), now.value == value,
        now.version > before?.version ?? 0
      else { throw error }
      made = now.version
    }
    guard made == (before?.version ?? 0) + 1 else {
      throw CapabilityError(
        .conflict, operation,
        because: "something else wrote \(name) at the same time: version \(made - 1) is not what was read",
        fix:
          "see what it is: aws ssm get-parameter --name \(name):\(made - 1) --with-decryption; then: staunch resume"
      )
    }
    return made
  }

  // MARK: copies

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    let present = try await all()
    var copies: [SecretCopy] = []
    for parameter in present where parameter.key != key {
      let held = VaultKV.held(secrets, parameter.key, .string(parameter.value))
      guard held.contains(where: { $0 != .nothing }) else { continue }
      copies.append(SecretCopy(key: parameter.key, canFollow: !held.contains(.unclear)))
    }
    for parameter in present where parameter.version > 1 {
      do throws(CapabilityError) {
        for former in try await history(parameter.key) where former.version < parameter.version {
          let held = VaultKV.held(secrets, parameter.key, .string(former.value))
          guard held.contains(where: { $0 != .nothing }) else { continue }
          copies.append(
            SecretCopy(
              key: "version \(former.version) of \(settings.path)/\(parameter.key)", canFollow: false,
              kind: .remark))
        }
      } catch {
        guard error.class == .refused else { throw error }
        copies.append(
          SecretCopy(
            key: "former versions of \(settings.path)/\(parameter.key)", canFollow: false,
            kind: .unread(because: error.because)))
      }
    }
    return copies
  }
}
