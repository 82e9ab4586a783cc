public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient

// What a key was, what was done with it, what outlives it, and what the runner may do about it.
extension GCPServiceAccountKey {
  /// What outlives a key, in the words of Google's documentation.
  static let survivors =
    "access tokens that were drawn with it, for up to an hour (12 where the organisation allows it), unless the account is "
    + "disabled; enabled again, those that are not over work again. Other keys, HMAC keys and grants that its holder made "
    + "live on"

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let key = try await key(ref.rawValue) else {
      throw CapabilityError(.notFound, "inspect \(ref)", because: "the account has no such key")
    }
    var facts: [String: JSONValue] = [
      "owner": .string(settings.account), "origin": .string(key.origin), "survives": .string(Self.survivors),
      "disabled": .boolean(key.isDisabled),
    ]
    facts["created"] = key.created.map { .string(Timestamp.text($0)) }
    facts["expires"] = key.end.map { .string(Timestamp.text($0)) }
    if let isOff = try await isAccountDisabled() { facts["account_disabled"] = .boolean(isOff) }
    return CredentialFacts(facts)
  }

  // MARK: the audit log

  /// An audited call. Names in it are what its caller chose: only plain ones are shown.
  private struct Call {
    let at: Date?
    let method: String
    let resource: String
    let address: String

    init(_ json: JSONValue) {
      let payload = json["protoPayload"]
      at = json["timestamp"]?.string.flatMap(Timestamp.date)
      method = Self.plain(payload?["methodName"]?.string)
      resource = Self.plain(payload?["resourceName"]?.string)
      address = Self.plain(payload?["requestMetadata"]?["callerIp"]?.string)
    }

    private static func plain(_ text: String?) -> String {
      guard let text, text.split(separator: "/").allSatisfy({ GCPServiceAccountKey.isPlain(String($0)) }),
        !text.isEmpty, text.count <= 300
      else { return "unreadable" }
      return text
    }
  }

  /// Audit logs of administrators' calls are kept for 400 days. Source: https://cloud.google.com/logging/quotas
  private static let retention: TimeInterval = 400 * 86_400
  private static let mostPages = 5

  /// - Returns: the calls made with the key, and whether there are more than were read.
  /// Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
  private func calls(with id: String, since: Date?, _ more: String = "") async throws(CapabilityError)
    -> (calls: [Call], areAll: Bool)
  {
    guard Self.isPlain(id) else {
      throw CapabilityError(.invalid, "search the audit log", because: "it is no key's id")
    }
    let logs = RESTClient(
      base: settings.logging, login: .init(from: tokens), trust: settings.trust, environment: environment,
      fix:
        "the runner needs logging.logEntries.list and logging.privateLogEntries.list in \(settings.project)")
    let from = since ?? environment.now().addingTimeInterval(-Self.retention)
    let name =
      "//iam.googleapis.com/projects/\(settings.project)/serviceAccounts/\(settings.account)/keys/\(id)"
    let filter =
      "protoPayload.authenticationInfo.serviceAccountKeyName=\"\(name)\" AND timestamp>=\"\(Timestamp.text(from))\""
    var calls: [Call] = []
    var page: String?
    for _ in 0..<Self.mostPages {
      var body: [String: JSONValue] = [
        "resourceNames": [.string("projects/\(settings.project)")], "filter": .string(filter + more),
        "orderBy": "timestamp asc", "pageSize": 1000,
      ]
      if let page { body["pageToken"] = .string(page) }
      let answer = try await logs.ask("/v2/entries:list", .object(body), readOnlyBecause: "it searches a log")
      let told = try GoogleAPI.checked(answer, logs, "POST /v2/entries:list")
      calls += (told["entries"]?.array ?? []).map(Call.init)
      page = told["nextPageToken"]?.string
      guard let page, !page.isEmpty else { return (calls, true) }
    }
    return (calls, false)
  }

  /// Administrators' calls are always logged, reads of data only where the project says so: that nothing was seen says nothing.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let (calls, areAll) = try await calls(with: ref.rawValue, since: since)
    var findings: [String] = []
    var isForeign = false
    for (address, of) in Dictionary(grouping: calls, by: \.address).sorted(by: { $0.key < $1.key }) {
      let isExpected = expected.contains(address)
      isForeign = isForeign || !isExpected
      let methods = Set(of.map(\.method)).sorted()
      let shown = methods.prefix(5).joined(separator: ", ") + (methods.count > 5 ? ", …" : "")
      findings.append(
        "\(of.count) calls from \(address): \(shown)"
          + (expected.isEmpty || isExpected ? "" : ", not expected"))
    }
    if !areAll { findings.append("the log has more than the \(calls.count) calls that were read") }
    findings.append("reads of data stand in the log only where Data Access audit logs are switched on")
    guard !expected.isEmpty else {
      return AbuseReport(
        seen: nil, covered: nil,
        findings: findings + ["no expected_clients in staunch.yaml: nobody can say which of them were yours"])
    }
    return AbuseReport(seen: isForeign ? true : nil, covered: nil, findings: findings)
  }

  /// Other keys of the account that were made since, and what the audit log says that this one made. What those made in turn is
  /// not asked, so nobody can say that this is all.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    func isNew(_ made: Date?) -> Bool { since.map { since in made.map { $0 >= since } ?? true } ?? true }
    var found: [Successors.Successor] = []
    for key in try await keys() where key.ref != ref && isNew(key.created) {
      found.append(
        .init(key.ref, what: "key of \(settings.account), \(key.origin)", made: key.created))
    }
    let making = " AND protoPayload.methodName=~\"(?i)(create|insert|upload|generate|setiampolicy)\""
    for call in try await calls(with: ref.rawValue, since: since, making).calls {
      found.append(
        .init(CredentialRef(call.resource), what: "made or changed by \(call.method)", made: call.at))
    }
    return Successors(found, covered: nil)
  }

  // MARK: rights

  public func readiness() async -> [Readiness] {
    let disable = "iam.serviceAccounts.disable"
    var excess = [
      "iam.serviceAccounts.actAs", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.setIamPolicy",
      "iam.serviceAccounts.delete",
    ]
    var needs: [(what: String, permissions: [String])] = [
      (
        "finding keys",
        ["iam.serviceAccounts.get", "iam.serviceAccountKeys.list", "iam.serviceAccountKeys.get"]
      ),
      ("stopping keys", ["iam.serviceAccountKeys.disable", "iam.serviceAccountKeys.delete"]),
      ("making keys", ["iam.serviceAccountKeys.create"]),
    ]
    if settings.endsTokens {
      needs.append(("ending access tokens", [disable]))
    } else {
      excess.append(disable)
    }
    var found = await GoogleAPI.readiness(needs, excess: excess, on: accountPath, of: iam)
    let projects = RESTClient(
      base: settings.resourceManager, login: .init(from: tokens), trust: settings.trust,
      environment: environment, fix: "the runner needs the permissions that staunch doctor lists")
    found += await GoogleAPI.readiness(
      [("searching the audit log", ["logging.logEntries.list", "logging.privateLogEntries.list"])],
      excess: ["resourcemanager.projects.setIamPolicy"],
      on: "/v1/projects/\(RESTClient.escaped(settings.project))", of: projects)
    if !settings.endsTokens {
      found.append(
        Readiness("access tokens", .ready("those that a leaked key has drawn live on for up to an hour")))
    }
    return found
  }
}
