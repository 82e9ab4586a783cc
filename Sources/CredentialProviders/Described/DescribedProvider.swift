public import Capabilities
public import Foundation
import Incidents
import JSON
import Playbooks
import RESTClient
public import Secrets

/// A credential of an API that a file describes: `playbooks/providers/*.yaml`, or a team's own beside them.
///
/// The file says what is asked and how answers are read; what keeps a verdict honest stands here and in no file: each question
/// at every address on connections of its own, a refusal that counts only while another credential is accepted, no verdict
/// from a 429, a 5xx or a redirect, calls below one base address alone, and an id that an answer gives is one escaped part of
/// a path.
///
/// The threat: whoever holds the leaked credential may name what they make as they like, and answers of lists hold such names.
/// They are compared, never shown, never sent; an id that is no plain word is refused. They may also have made the runner's
/// own credential the leaked one's twin: what the runner logs in with is never stopped by itself.
/// Each file says how it was tested: exchanges written from the vendor's documentation, whose address stands in it, are played
/// through the real HTTP client, against no vendor.
public struct DescribedProvider: CredentialProvider {
  public static let kind = "described"
  public static let summary = "A credential of an API that a file describes."
  public static let settings = DescribedSettings.Common.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  let description: ProviderDescription
  let settings: DescribedSettings
  let environment: AdapterEnvironment
  /// What the store holds.
  var present: @Sendable () async -> [Secret] = { [] }

  /// - Throws: `.configuration`, also where no built-in file describes the entry's kind.
  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    guard let description = try DescribedProviders.builtin[target.kind] else {
      throw target.unknownKind("described provider", known: DescribedProviders.builtin.kinds)
    }
    try self.init(target, as: description, in: environment)
  }

  init(_ target: TargetConfiguration, as description: ProviderDescription, in environment: AdapterEnvironment)
    throws(CapabilityError)
  {
    self.description = description
    self.environment = environment
    settings = try DescribedSettings(target, description)
    lock = "\(description.kind)/\(settings.base)/\(settings.account ?? target.name)"
    capabilities = Self.capabilities(of: description, propagation: settings.propagation)
  }

  static func capabilities(of description: ProviderDescription, propagation: Duration) -> ProviderCapabilities
  {
    let issuing: ProviderCapabilities.Issuing =
      switch description.issue?.way {
      case .named?: .named
      case .unnamed?: .unnamed
      case .rotated?: .rotated
      case .generated?: .generated
      case nil: .human
      }
    let stops = description.disable
    let authority: ProviderCapabilities.Authority =
      stops?.call.presenter == .leaked || issuing == .rotated
      ? .`self` : stops == nil && issuing == .human ? .human : .admin
    return ProviderCapabilities(
      authority: authority,
      overlap: issuing == .generated || issuing == .rotated || !description.isOverlapping ? .none : .several,
      disable: stops.map { $0.isReversible ? .reversible : .irreversible } ?? .none,
      sessions: description.sessions == nil ? .none : .end, issuing: issuing, propagation: propagation)
  }

  public var account: CredentialRef? {
    switch description.identity {
    case .setting(let name): settings.plain[name].map { CredentialRef($0) }
    case .entry: CredentialRef(settings.id)
    case .answer, .part, .hint: nil
    }
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  var place: String { (settings.console ?? description.console).map { "at \($0)" } ?? "at its provider" }

  // MARK: whose it is

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify \(settings.name)"
    for value in leak.values { try await refuseOwn(value, operation) }
    switch description.identity {
    case .hint: return Subject(try await hinted(leak, operation))
    case .part(let index, let between):
      guard let value = leak.value else { return Subject(try await listed(leak, operation)) }
      let parts = value.exposeAsText().components(separatedBy: between)
      guard parts.indices.contains(index), parts.count > 1 else {
        throw stranger(operation, "it has another form")
      }
      let ref = try Self.ref(parts[index], operation)
      try await requireAlive(value, ref: ref, operation)
      return Subject(ref)
    case .answer(let call, let id):
      guard let value = leak.value else { return Subject(try await listed(leak, operation)) }
      let answer = try await living(value, ref: nil, operation, by: call)
      return Subject(try Self.ref(text(id, ["answer": answer.value]), operation))
    case .entry, .setting:
      guard let account else { throw stranger(operation, "the entry names no account") }
      if let value = leak.value {
        try await requireAlive(value, ref: account, operation)
      } else if leak.handle != account.rawValue {
        throw stranger(operation, "its id is not the one of this entry")
      }
      return Subject(account)
    }
  }

  /// The answer to the question for a credential that is accepted. - Throws: `.notFound` when it is not.
  private func living(_ value: Secret, ref: CredentialRef?, _ operation: String, by other: ProviderCall?)
    async throws(CapabilityError) -> ProviderAnswer
  {
    let scope = ref.map { ["ref": Value.string($0.rawValue)] } ?? [:]
    let response = try await fetch(description.verify.call, scope, leaked: value)
    let answer = ProviderAnswer(response)
    let (reading, code) = description.verify.read(answer, settings: settings.scope)
    switch reading {
    case .alive: break
    case .dead, .refused:
      throw CapabilityError(
        .notFound, operation, because: "the provider does not accept it (\(code))",
        fix: "nothing is left to revoke, unless it belongs to another entry: check base_url and the settings")
    case .unknown:
      throw failure(of: response, operation, changes: false)
        ?? CapabilityError(.network, operation, because: "the provider gave no verdict (\(code))")
    }
    guard let other else { return answer }
    return ProviderAnswer(try await checked(other, scope, leaked: value))
  }

  private func requireAlive(_ value: Secret, ref: CredentialRef, _ operation: String)
    async throws(CapabilityError)
  {
    _ = try await living(value, ref: ref, operation, by: nil)
  }

  /// The element of the list whose id a report names, where only that is known.
  private func listed(_ leak: Leak, _ operation: String) async throws(CapabilityError) -> CredentialRef {
    guard let handle = leak.handle, let list = description.list else {
      throw stranger(operation, "it is found by its value, and only an id is known")
    }
    guard let found = try await elements(of: list).first(where: { $0.ref.rawValue == handle }) else {
      throw stranger(operation, "the list has none with this id")
    }
    return found.ref
  }

  private func hinted(_ leak: Leak, _ operation: String) async throws(CapabilityError) -> CredentialRef {
    guard let list = description.list, let value = leak.value else {
      return try await listed(leak, operation)
    }
    let fitting = try await elements(of: list).filter { $0.looksLike(value) }
    guard let only = fitting.first else { throw stranger(operation, "none of the list looks like it") }
    guard fitting.count == 1 else {
      throw CapabilityError(
        .conflict, operation,
        because: "several look like it: \(fitting.map(\.ref.rawValue).joined(separator: ", "))",
        fix: "see \(place) which one it is, then give its id to staunch credential disable with --id")
    }
    return only.ref
  }

  private func stranger(_ operation: String, _ because: String) -> CapabilityError {
    CapabilityError(
      .notFound, operation, because: because,
      fix:
        "check the entry in staunch.yaml: it may be of another account, or give the value (--secret env:NAME)"
    )
  }

  /// - Throws: `.unsafe` for a credential that the runner logs in with.
  private func refuseOwn(_ value: Secret, _ operation: String) async throws(CapabilityError) {
    for runner in description.runner {
      guard let reference = settings.references[runner.setting] else { continue }
      let own: Secret
      do throws(CapabilityError) { own = try await environment.sources.resolve(reference) } catch {
        continue  // what cannot be had is not used either; doctor names it
      }
      guard own.isSame(as: value) else { continue }
      throw CapabilityError(
        .unsafe, operation, because: "the leaked credential is the one that the runner uses itself",
        fix: "make another one \(place), name it in \(runner.setting), then come back")
    }
  }

  /// An id as an answer or a credential gives it. - Throws: `.invalid` unless it is a plain word.
  static func ref(_ text: String?, _ operation: String) throws(CapabilityError) -> CredentialRef {
    guard let text, (1...256).contains(text.utf8.count), text != ".", text != "..",
      text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else {
      throw CapabilityError(
        .invalid, operation, because: "the answer gives no id that can be used",
        fix: "check base_url; the provider file may be older than the API")
    }
    return CredentialRef(text)
  }

  // MARK: facts

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": "unknown", "survives": .string(description.survives)]
    if let console = settings.console ?? description.console { facts["console"] = .string(console) }
    guard let inspect = description.inspect, canAsk(inspect.call) else {
      return CredentialFacts(facts)
    }
    let answer = ProviderAnswer(try await checked(inspect.call, ["ref": .string(ref.rawValue)]))
    for (name, template) in inspect.facts {
      do throws(EvaluationError) {
        let value = try template.value(
          in: Scope(items: ["answer": answer.value, "settings": .record(settings.scope)]))
        if !value.hasUnknown, value != .null { facts[name] = value.json }
      } catch { continue }  // a fact that the answer does not have is none
    }
    return CredentialFacts(facts)
  }

  /// Whether there is somebody to ask as: the runner's own credential may be left out of an entry.
  private func canAsk(_ call: ProviderCall) -> Bool {
    switch call.presenter {
    case .nobody: true
    case .leaked: false
    case .runner: missingRunner == nil
    }
  }

  /// The first setting of the runner's own credential that the entry does not have.
  var missingRunner: String? {
    description.runner.first { settings.references[$0.setting] == nil }?.setting
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(seen: nil, covered: nil, findings: ["search the provider's own log \(place)"])
  }

  public func reach(_ ref: CredentialRef) async throws(CapabilityError) -> Reach {
    guard let reach = description.reach, canAsk(reach.call) else { return .unknown }
    let answer = ProviderAnswer(try await checked(reach.call, ["ref": .string(ref.rawValue)]))
    var grants: [Reach.Grant] = []
    for (access, expression) in [(Reach.Access.read, reach.read), (.change, reach.change)] {
      guard let expression else { continue }
      guard case .list(let names) = try value(expression, ["answer": answer.value]) else { return .unknown }
      grants += names.compactMap(\.text).map { Reach.Grant(access, $0) }
    }
    return Reach(grants, isComplete: reach.isComplete)
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    guard let list = description.list, canAsk(list.call) else { return account.map { [$0] } ?? [] }
    return try await elements(of: list).map(\.ref)
  }

  /// Ids alone: names are the holder's own text.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    guard let successors = description.successors, canAsk(successors.call) else { return .unknown }
    let found = try await elements(of: successors, ["ref": .string(ref.rawValue)]).filter { element in
      guard element.ref != ref else { return false }
      return since.map { since in element.created.map { $0 >= since } ?? true } ?? true
    }
    return Successors(
      found.map { .init($0.ref, what: $0.what ?? "made beside it", made: $0.created) }, covered: nil)
  }
}
