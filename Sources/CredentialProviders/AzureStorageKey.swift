public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// The two keys of an Azure storage account, `key1` and `key2`, which are always there and can only be set anew.
///
/// The replacement is the slot that did not leak, set anew: **whoever uses it loses it**, so nobody may but this entry's own
/// programs. When they have moved, the leaked slot is set anew, which nobody can take back, and with it end the shared access
/// signatures (SAS) that it signed. Which slot leaked, its value decides. Alive is a signature that the Blob service takes.
/// Dead is one that it refuses while it takes a key that the account lists, which is no longer the leaked one. Keys that are
/// switched off (`allowSharedKeyAccess`), a firewall and a wrong clock are unknown.
///
/// What the holder of a leaked key may have prepared: everything in the account, and nothing outside of it. SAS that they made
/// end with the key. What they wrote, containers that they made public, and stored access policies stay.
///
/// Sources: https://learn.microsoft.com/rest/api/storagerp/storage-accounts/regenerate-key,
/// https://learn.microsoft.com/azure/storage/common/storage-account-keys-manage
public struct AzureStorageKey: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let subscription: String
    let group: String
    let account: String
    let blobs: String
    let login: AzureLogin
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://management.azure.com")
      subscription = try read.text("subscription", "the subscription's id")
      group = try read.text("resource_group", "the resource group")
      account = try read.text(
        "account", "the storage account; the slot that did not leak is set anew, so nobody else may use it")
      blobs =
        try read.optionalText(
          "blob_url", "where its Blob service is; `https://ACCOUNT.blob.core.windows.net` when absent")
        ?? "https://\(account).blob.core.windows.net"
      login = try AzureLogin(from: &read)
      propagation = try read.propagation(.seconds(120))
      trust = try read.trust()
      try read.check(
        (3...24).contains(account.count)
          && account.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) }
          && EntraTokenEndpoint.isName(subscription)
          && !group.isEmpty && group.allSatisfy { $0.isLetter || $0.isNumber || "-_.()".contains($0) },
        "subscription, resource_group or account is none", fix: "az storage account list shows them")
    }
  }

  public static let kind = "azure_storage_key"
  public static let summary = "The two access keys of an Azure storage account."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "Microsoft.Storage/storageAccounts/listKeys/action and regenerateKey/action",
    survives: "what was written, public containers, stored access policies; SAS of a user delegation "
      + "key")
  public static let settings = Settings.declarations
  private static let version = "?api-version=2023-05-01"
  private static let slotNames = ["key1", "key2"]

  public let capabilities: ProviderCapabilities
  public let lock: String
  private let settings: Settings
  private let api: RESTClient
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "azure-storage/\(settings.account)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .alternate, disable: .irreversible, sessions: .none, issuing: .slot,
      propagation: settings.propagation)
    api = RESTClient(
      base: settings.base,
      login: .init(from: settings.login.tokens(for: "https://management.azure.com", in: environment)),
      trust: settings.trust, environment: environment,
      fix: "the runner's login needs the actions that staunch doctor lists for this entry")
  }

  private var path: String {
    "/subscriptions/\(RESTClient.escaped(settings.subscription))/resourceGroups/\(RESTClient.escaped(settings.group))"
      + "/providers/Microsoft.Storage/storageAccounts/\(settings.account)"
  }

  // MARK: the slots

  private struct Slot: Sendable {
    let name: String
    let value: Secret
    let created: Date?
    var ref: CredentialRef { CredentialRef(name) }
  }

  /// Both, as an answer lists them. - Throws: `.invalid` when it does not.
  private static func slots(_ json: JSONValue, _ operation: String) throws(CapabilityError) -> [Slot] {
    let slots = (json["keys"]?.array ?? []).compactMap { key -> Slot? in
      guard let name = key["keyName"]?.string, slotNames.contains(name), let value = key["value"]?.string,
        !value.isEmpty
      else { return nil }
      return Slot(
        name: name, value: Secret(value), created: key["creationTime"]?.string.flatMap(Timestamp.date))
    }
    guard Set(slots.map(\.name)) == Set(slotNames) else {
      throw CapabilityError(
        .invalid, operation, because: "the answer does not list key1 and key2", fix: "check base_url")
    }
    return slots
  }

  private func listed() async throws(CapabilityError) -> [Slot] {
    let answer = try await api.ask(
      "\(path)/listKeys\(Self.version)", [:], readOnlyBecause: "it lists the keys that there are")
    let operation = "POST storageAccounts/\(settings.account)/listKeys"
    if answer.status == 404, let code = AzureAPI.code(of: answer) {
      throw CapabilityError(
        .notFound, operation, because: "the subscription has no such account there (\(code.prefix(40)))",
        fix: "correct subscription, resource_group and account in staunch.yaml")
    }
    return try Self.slots(try AzureAPI.checked(answer, api, operation), operation)
  }

  /// - Returns: both, after one was set anew.
  private func regenerate(_ name: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [Slot]
  {
    let operation = "POST storageAccounts/\(settings.account)/regenerateKey \(name)"
    let answer = try await api.change(
      .post, "\(path)/regenerateKey\(Self.version)", ["keyName": .string(name)], under: authority)
    let told = try AzureAPI.checked(answer, api, operation, changes: true)
    do throws(CapabilityError) { return try Self.slots(told, operation) } catch {
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but \(error.because)")
    }
  }

  /// By its value; `key1`, or `account/key1`, where only an id is known.
  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify key of \(settings.account)"
    let slots = try await listed()
    if let value = leak.value {
      let key = AzureSharedKey.key(in: value)
      guard let found = slots.first(where: { $0.value.isSame(as: key) }) else {
        throw CapabilityError(
          .notFound, operation, because: "neither key1 nor key2 has this value",
          fix: "nothing is left to stop, unless it is another account's: check account in staunch.yaml")
      }
      return Subject(found.ref)
    }
    let parts = (leak.handle ?? "").split(separator: "/").map(String.init)
    guard let name = parts.last, Self.slotNames.contains(name),
      parts.count == 1 || parts.first == settings.account
    else {
      throw CapabilityError(
        .notFound, operation, because: "the id names neither key1 nor key2 of this account",
        fix: "the value tells which one leaked: --secret env:NAME; or --id key1")
    }
    return Subject(CredentialRef(name))
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let slot = try await listed().first(where: { $0.ref == ref }) else {
      throw CapabilityError(.notFound, "inspect \(ref)", because: "an account has key1 and key2")
    }
    var facts: [String: JSONValue] = [
      "owner": .string(settings.account), "privilege": "everything in the account",
      "ends_with_it": "shared access signatures (SAS) that it signed",
      "survives": "what was written, public containers, stored access policies; SAS of a user delegation key",
    ]
    facts["created"] = slot.created.map { .string(Timestamp.text($0)) }
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil,
      findings: [
        "the API tells no uses: search StorageBlobLogs of \(settings.account), where it keeps them, for "
          + "AuthenticationType AccountKey and SAS, by CallerIpAddress"
      ])
  }

  // MARK: verdict

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let key = AzureSharedKey.key(in: secret)
    guard let first = request(key) else { return CredentialProbe(.unknown, code: "not asked, it is no key") }
    let probe = KeyProbe(
      base: settings.blobs, trust: settings.trust, environment: environment,
      request: { _ in request(key) ?? first }, read: AzureSharedKey.probe)
    return try await probe.verdict(on: key) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        let slots = try await listed()
        if let same = slots.first(where: { $0.value.isSame(as: key) }) {
          return "the account lists it as \(same.name)"
        }
        // A key that is right shows that the service compares signatures.
        guard let control = slots.first.flatMap({ request($0.value) }),
          AzureSharedKey.probe(try await environment.http.fetch(control.trusting(settings.trust))).state
            == .alive
        else { return "a key that the account lists is refused as well" }
        return nil
      } catch { return "the runner's login gets no answer (\(error.class.rawValue))" }
    }
  }

  private func request(_ key: Secret) -> SafeRequest? {
    AzureSharedKey.request(settings.blobs, account: settings.account, key: key, at: environment.now())
  }

  // MARK: changes

  public func generate() throws(CapabilityError) -> Secret? { nil }
  public func existing() async throws(CapabilityError) -> [CredentialRef] { try await listed().map(\.ref) }
  public func slots() async throws(CapabilityError) -> Slots? { Slots(limit: 2, taken: try await existing()) }
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }  // there are never more than the two

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "set the other key of \(settings.account) anew"
    guard let leak = order.replacing else {
      throw CapabilityError(.invalid, operation, because: "which of the two leaked is not known")
    }
    let leaked = try await subject(of: leak).identity
    guard let free = Self.slotNames.first(where: { $0 != leaked.rawValue }) else {
      throw CapabilityError(.notFound, operation, because: "there is no other slot")
    }
    let before = try await listed().first { $0.name == free }?.value
    guard let slot = try await regenerate(free, under: authority).first(where: { $0.name == free }),
      before.map({ !$0.isSame(as: slot.value) }) ?? true
    else {
      throw CapabilityError(.unknownOutcome, operation, because: "\(free) has the same value as before")
    }
    return IssuedCredential(ref: slot.ref, secret: slot.value)
  }

  /// Sets the slot anew; nobody is told its new value, and nobody gets the old one back.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "set \(ref) of \(settings.account) anew"
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, operation, because: "it is the slot of the replacement")
    }
    guard let before = try await listed().first(where: { $0.ref == ref })?.value else {
      throw CapabilityError(.notFound, operation, because: "an account has key1 and key2")
    }
    // Whoever has set it anew already has stopped what leaked.
    if !leak.values.isEmpty, !leak.values.contains(where: { AzureSharedKey.key(in: $0).isSame(as: before) }) {
      return
    }
    do throws(CapabilityError) { _ = try await regenerate(ref.rawValue, under: authority) } catch {
      guard error.class == .unknownOutcome,
        try await listed().first(where: { $0.ref == ref })?.value.isSame(as: before) == false
      else { throw error }
    }
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // every request is signed by itself

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(.unsupported, "delete \(ref)", because: "the two keys are always there")
  }

  public func readiness() async -> [Readiness] {
    let type = "Microsoft.Storage/storageAccounts"
    return await AzureAPI.readiness(
      [
        ("finding the leaked key", ["\(type)/listKeys/action"]),
        ("setting keys anew", ["\(type)/regenerateKey/action"]),
      ], excess: ["\(type)/delete", "\(type)/write", "Microsoft.Authorization/roleAssignments/write"],
      on: path, of: api)
  }
}
