import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient

// What IAM knows of the account and its keys.
extension GCPServiceAccountKey {
  /// IAM's record of a key.
  struct Key: Sendable {
    let id: String
    let created: Date?
    let end: Date?
    let isDisabled: Bool
    /// `GOOGLE_PROVIDED`, or `USER_PROVIDED`: somebody uploaded it.
    let origin: String
    /// PEM; nil where it was not asked for.
    let publicHalf: String?

    init?(_ json: JSONValue) {
      guard let id = json["name"]?.string?.split(separator: "/").last.map(String.init),
        GCPServiceAccountKey.isPlain(id)
      else { return nil }
      self.id = id
      created = json["validAfterTime"]?.string.flatMap(Timestamp.date)
      end = json["validBeforeTime"]?.string.flatMap(Timestamp.date)
      isDisabled = json["disabled"]?.boolean ?? false  // Google leaves out what is false
      origin = json["keyOrigin"]?.string == "USER_PROVIDED" ? "uploaded" : "made by Google"
      publicHalf = json["publicKeyData"]?.string.flatMap { Data(base64Encoded: $0) }
        .flatMap { String(data: $0, encoding: .utf8) }
    }

    var ref: CredentialRef { CredentialRef(id) }
  }

  var accountPath: String {
    "/v1/projects/\(RESTClient.escaped(settings.project))/serviceAccounts/\(RESTClient.escaped(settings.account))"
  }
  func path(_ id: String) -> String { "\(accountPath)/keys/\(RESTClient.escaped(id))" }

  /// Whether the account is switched off; nil: there is no such account.
  func isAccountDisabled() async throws(CapabilityError) -> Bool? {
    let operation = "GET serviceAccounts/\(settings.account)"
    let answer = try await iam.answer(accountPath)
    if answer.status == 404, GoogleAPI.status(of: answer) == "NOT_FOUND" { return nil }
    let told = try GoogleAPI.checked(answer, iam, operation)
    guard told["email"]?.string == settings.account else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is not about this account", fix: "check base_url")
    }
    return told["disabled"]?.boolean ?? false
  }

  /// Those that people have made, oldest first.
  func keys() async throws(CapabilityError) -> [Key] {
    let operation = "GET serviceAccounts/\(settings.account)/keys"
    // An empty list has no member: that it is this account's is asked first.
    guard try await isAccountDisabled() != nil else {
      throw CapabilityError(
        .notFound, operation, because: "there is no such account in project \(settings.project)",
        fix: "correct project and account in staunch.yaml")
    }
    let told = try GoogleAPI.checked(
      try await iam.answer("\(accountPath)/keys?keyTypes=USER_MANAGED"), iam, operation)
    var keys: [Key] = []
    for json in told["keys"]?.array ?? [] {
      guard let key = Key(json) else {
        throw CapabilityError(
          .invalid, operation, because: "one of the keys has no id", fix: "check base_url")
      }
      keys.append(key)
    }
    return keys.sorted { ($0.created ?? .distantPast, $0.id) < ($1.created ?? .distantPast, $1.id) }
  }

  /// One key with its public half; nil: the account has none of this id.
  func key(_ id: String) async throws(CapabilityError) -> Key? {
    guard Self.isPlain(id) else { return nil }
    let answer = try await iam.answer(path(id) + "?publicKeyType=TYPE_RAW_PUBLIC_KEY")
    if answer.status == 404, GoogleAPI.status(of: answer) == "NOT_FOUND" { return nil }
    let operation = "GET keys/\(id)"
    guard let key = Key(try GoogleAPI.checked(answer, iam, operation)), key.id == id else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is not about this key", fix: "check base_url")
    }
    return key
  }

  /// The key whose other half `file` is: the one that is named, else any of the account. Nil: none.
  func key(of file: GoogleKeyFile, named id: String?) async throws(CapabilityError) -> Key? {
    if let id = file.keyID ?? id, let named = try await key(id), named.publicHalf.map(file.isHalf) == true {
      return named
    }
    for listed in try await keys() {
      if let key = try await key(listed.id), key.publicHalf.map(file.isHalf) == true { return key }
    }
    return nil
  }
}
