import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization

/// A fake: entries of a store in memory.
final class FakeStore: SecretStore {
  static let kind = "fake"
  static let summary = "a fake"
  static let settings: [SettingDeclaration] = []
  private let entries = Mutex<[String: (value: String, version: Int)]>([:])
  let takesSeveralEntries: Bool
  let canBeRead: Bool
  private let isReadable: Bool
  private let problem: String?

  /// - Parameters:
  ///   - isNamed: providers know its entries as `fake:KEY`.
  ///   - problem: why nothing can be written.
  ///   - canBeRead: false: it never shows a value.
  init(
    takesSeveral: Bool = false, isNamed: Bool = false, problem: String? = nil, canBeRead: Bool = true
  ) {
    takesSeveralEntries = takesSeveral
    self.canBeRead = canBeRead
    isReadable = isNamed
    self.problem = problem
  }
  convenience init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError)
  {
    self.init()
  }

  func resource(of key: String) -> ResourceName? { isReadable ? ResourceName("fake:\(key)") : nil }
  func readiness() async -> [Readiness] {
    problem.map { [Readiness("writing", .missing(because: $0, fix: "repair it"))] } ?? []
  }
  func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    guard entries.count == 1 || takesSeveralEntries else {
      throw CapabilityError(.unsupported, "write", because: "one by one")
    }
    var version = ""
    for entry in entries {
      version = try await put(
        entry.key, entry.secret, replacing: entry.old, sparing: others, marker: marker, under: authority)
    }
    return version
  }

  func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    entries.withLock { $0[key].map { "v\($0.version)" } }
  }
  func read(_ key: String) async throws(CapabilityError) -> Secret {
    guard canBeRead else { throw CapabilityError(.unsupported, "read", because: "it never shows a value") }
    guard let entry = entries.withLock({ $0[key] }) else {
      throw CapabilityError(.notFound, "read \(key)", because: "no entry")
    }
    return Secret(entry.value)
  }
  func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let text = secret.exposeAsText()
    let followers = try await copies(of: old, besides: key).filter {
      $0.canFollow && !others.contains($0.key)
    }
    return entries.withLock { entries in
      for follower in followers { entries[follower.key] = (text, 1) }
      let version = (entries[key]?.version ?? 0) + 1
      entries[key] = (text, version)
      return "v\(version)"
    }
  }
  func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy] {
    let texts = Set(secrets.map { $0.exposeAsText() })
    return entries.withLock { entries in
      entries.filter { $0.key != key && texts.contains($0.value.value) }.keys.sorted().map {
        SecretCopy(key: $0, canFollow: !$0.hasPrefix("ODD_"))
      }
    }
  }
  /// Sets an entry as somebody else would.
  func plant(_ key: String, _ value: String) { entries.withLock { $0[key] = (value, 1) } }
  func value(_ key: String) -> String? { entries.withLock { $0[key]?.value } }
}

/// A fake: tickets in memory.
final class FakeTracker: TicketSystem {
  static let kind = "fake"
  static let summary = "a fake"
  static let settings: [SettingDeclaration] = []
  struct World: Sendable {
    var delivered: [TicketMessage] = []
    /// The ticket of each delivery, tries included.
    var tickets: [String?] = []
    /// Thrown by the next deliveries, in order.
    var errors: [CapabilityError] = []
    /// True: the message arrives although an error is thrown.
    var arrivesAnyway = false
    var finds = 0
  }
  let isPublic: Bool
  let canLookUp: Bool
  let isIdempotent: Bool
  let world = Mutex(World())

  init(isPublic: Bool = false, canLookUp: Bool = true, isIdempotent: Bool = false) {
    self.isPublic = isPublic
    self.canLookUp = canLookUp
    self.isIdempotent = isIdempotent
  }
  convenience init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError)
  {
    self.init()
  }

  var delivered: [TicketMessage] { world.withLock { $0.delivered } }

  func find(_ message: TicketMessage) async throws(CapabilityError) -> TicketRef? {
    world.withLock { world in
      world.finds += 1
      return world.delivered.contains { $0.id == message.id } ? TicketRef(id: "T-1", url: nil) : nil
    }
  }
  func deliver(_ message: TicketMessage, to ticket: TicketRef?, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> TicketRef?
  {
    let error: CapabilityError? = world.withLock { world in
      world.tickets.append(ticket?.id)
      let error = world.errors.isEmpty ? nil : world.errors.removeFirst()
      let isKnown = isIdempotent && world.delivered.contains { $0.id == message.id }
      if error == nil || world.arrivesAnyway, !isKnown { world.delivered.append(message) }
      return error
    }
    if let error { throw error }
    return TicketRef(id: "T-1", url: "https://tickets.example/T-1")
  }
}

/// A fake: an outbox in memory with the journal's rules.
final class FakeOutbox: MessageOutbox {
  struct Row: Sendable {
    var entry: QueuedMessage
    var number = 0
    var isInflight = false
    var next: Date
    var reason: String?
  }
  let rows = Mutex<[Row]>([])
  let now: @Sendable () -> Date
  init(now: @escaping @Sendable () -> Date) { self.now = now }

  func enqueue(_ message: TicketMessage, to tracker: TrackerName, run: RunID) async throws(CapabilityError)
    -> QueuedMessage
  {
    let now = now()
    return rows.withLock { rows in
      if let known = rows.first(where: { $0.entry.message.id == message.id }) { return known.entry }
      let entry = QueuedMessage(tracker: tracker, message: message, state: .pending, attempts: 0)
      rows.append(Row(entry: entry, number: rows.count, next: now))
      return entry
    }
  }
  func message(_ id: String) async throws(CapabilityError) -> QueuedMessage? {
    rows.withLock { $0.first { $0.entry.message.id == id }?.entry }
  }
  func claim(_ scope: DeliveryScope, passingOver trackers: Set<TrackerName>) async throws(CapabilityError)
    -> QueuedMessage?
  {
    let now = now()
    return rows.withLock { rows in
      guard
        let index = rows.firstIndex(where: { row in
          !row.isInflight && row.next <= now && (row.entry.state == .pending || row.entry.state == .unknown)
            && scope.holds(row.entry.message) && !trackers.contains(row.entry.tracker)
            && !rows.contains {
              $0.entry.message.incident == row.entry.message.incident && $0.entry.tracker == row.entry.tracker
                && $0.number < row.number && ![.sent, .dead, .dropped].contains($0.entry.state)
            }
        })
      else { return nil }
      let old = rows[index].entry
      rows[index].isInflight = true
      rows[index].entry = QueuedMessage(
        tracker: old.tracker, message: old.message, state: old.state, attempts: old.attempts + 1,
        remote: old.remote)
      return rows[index].entry
    }
  }
  func settle(
    _ id: String, as state: QueuedMessage.State, remote: TicketRef?, reason: String?, next: Date?
  ) async throws(CapabilityError) {
    rows.withLock { rows in
      guard let index = rows.firstIndex(where: { $0.entry.message.id == id }) else { return }
      let old = rows[index].entry
      rows[index].entry = QueuedMessage(
        tracker: old.tracker, message: old.message, state: state, attempts: old.attempts,
        remote: remote ?? old.remote)
      rows[index].isInflight = false
      rows[index].reason = reason
      rows[index].next = next ?? rows[index].next
    }
  }
  func ticket(of incident: IncidentID, at tracker: TrackerName) async throws(CapabilityError) -> TicketRef? {
    rows.withLock {
      $0.first { $0.entry.tracker == tracker && $0.entry.remote != nil }?.entry.remote
    }
  }
}

extension DeliveryScope {
  fileprivate func holds(_ message: TicketMessage) -> Bool {
    switch self {
    case .everything: true
    case .incident(let incident): message.incident == incident
    case .message(let id): message.id == id
    }
  }
}

/// A fake: always the same brief.
struct FakeBriefing: IncidentBriefing {
  var isContained = false
  func brief(of incident: IncidentID, run: RunID) async throws(CapabilityError) -> IncidentBrief {
    IncidentBrief(
      codename: "quiet-heron", severity: .sev2, isContained: isContained,
      state: "Proven dead. Asked @alice, wrote to bob@example.org")
  }
}

/// A fake: secrets by handle.
final class FakeSecrets: SecretResolver, ProgressSink {
  private let values: Mutex<[SecretRef: String]>
  init(_ values: [SecretRef: String]) { self.values = Mutex(values) }
  func secret(_ ref: SecretRef) async throws(CapabilityError) -> Secret {
    guard let value = values.withLock({ $0[ref] }) else {
      throw CapabilityError(.notFound, "open \(ref)", because: "nobody sealed it")
    }
    return Secret(value)
  }
  func seal(_ secrets: [SecretRef: Secret]) {
    values.withLock { values in
      for (ref, secret) in secrets { values[ref] = secret.exposeAsText() }
    }
  }
  func progress(_ phase: String, done: Int, total: Int?, unit: String) {}
}
