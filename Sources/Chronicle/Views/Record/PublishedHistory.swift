public import Foundation
public import Incidents
import JSON

/// What is known of the copy of a repository that everybody else clones: its forge's.
///
/// Clean is only what a fresh clone of the remote showed after the last rewrite and the last push. A clone of this
/// machine's repository, or one made before the push, says nothing about it; nor does one that was scanned before the
/// repository was reported again, or not for every leaked value.
public struct PublishedHistory: Sendable, Hashable {
  public let repository: RepositoryName
  /// When the fresh clone of the remote was found clean; nil: the leaked value is, or may be, still at the forge.
  public let cleaned: Date?
  /// Why it is not known to be clean; empty when it is.
  public let why: String
  /// Where the remote leads, without user, as the last push or clone said; nil: neither was made.
  public let address: String?
  /// Objects of the fresh clone.
  public let objects: Int?
  /// What the last rewrite and the last push left to people: copies and references that they could not reach.
  public let residual: [String]
  /// Of those, what a later search of this machine's repository no longer found, and vaults that were destroyed.
  public let settled: [String]
  /// The clone that was scanned by hand: a playbook's stands in staunch.yaml.
  public let clone: Clone?
  /// The command that looks at every remote again, where one besides the pushed one holds, or may hold, the value.
  public let again: String?
  /// The event that shows it; nil when nothing happened to the repository yet.
  public let evidence: EvidenceLink?

  public var isClean: Bool { cleaned != nil }

  /// A clone on this machine and one of its remotes.
  public struct Clone: Sendable, Hashable {
    public let path: String
    public let remote: String
    public init(path: String, remote: String) {
      self.path = path
      self.remote = remote
    }
  }

  /// One line: `training: still at the forge: rewritten on this machine only; not pushed`.
  public var line: String {
    isClean
      ? "\(repository): clean, a fresh clone of the remote was scanned"
      : "\(repository): still at the forge: \(why)"
  }
}

extension IncidentRecord {
  /// Every repository that the incident's plans, acts or reports name, in the order in which they came up.
  public var published: [PublishedHistory] {
    var reading = PublishedReading()
    for event in events { reading.take(event) }
    return reading.result
  }
}

/// Follows what happened to each repository.
private struct PublishedReading {
  private struct Acts {
    var rewritten: JournalEvent?
    /// The last rewrite that changed something, or whose outcome does not say that it changed nothing.
    var changed: JournalEvent?
    var restored: JournalEvent?
    var pushed: JournalEvent?
    var scanned: JournalEvent?
    /// The leaked values that the scan looked for.
    var covered: Set<SecretRef> = []
    /// The last search of this machine's repository that was clean, and the last that was not.
    var emptied: JournalEvent?
    var found: JournalEvent?
    /// The last push, or look into a fresh clone, that failed.
    var failed: JournalEvent?
    /// Backups whose vaults were destroyed by hand.
    var shredded: Set<String> = []

    /// Nothing happened to the repository after `event`.
    func isLast(_ event: JournalEvent) -> Bool {
      [rewritten, restored, pushed, scanned, failed].allSatisfy {
        $0.map { $0.sequence < event.sequence } ?? true
      }
    }
  }

  private var order: [RepositoryName] = []
  private var acts: [RepositoryName: Acts] = [:]
  private var reported: [RepositoryName] = []
  /// Reported ones that staunch.yaml did not have when the last plan was made, and those that were reported since; nil: that
  /// plan is an older version's, which did not look.
  private var unlisted: [RepositoryName]?
  /// The repositories of a run's plan: a loop's item is a number in it.
  private var planned: [RunID: [RepositoryName]] = [:]
  /// What each step does: a failure does not say it.
  private var actions: [String: String] = [:]
  /// The leaked values of a run's plan; none for plans of before they named their values.
  private var secrets: [RunID: Set<SecretRef>] = [:]
  private var reports = LaterReports()

  mutating func take(_ event: JournalEvent) {
    reports.take(event)
    switch event.typed {
    case .incidentOpened(let report), .incidentUpdated(let report):
      if let name = report.introduction?.repository { add(name) }
      for name in report.places.compactMap(\.repositoryName) where !reported.contains(name) {
        reported.append(name)
        unlisted?.append(name)
      }
    case .planSaved(let plan):
      let names = plan.repositories ?? []
      if let run = plan.run {
        planned[run] = names
        secrets[run] = plan.secrets.map { Set($0) }
      }
      for name in names { add(name) }
      unlisted = plan.unlisted
    case .stepIntent(let intent):
      if let action = intent.action { actions[PublishedReading.key(event)] = action }
    case .stepOutcome: act(event, operation: nil)
    case .stepFailed(let failure): act(event, operation: failure.operation)
    case .stepVerified(let verified) where verified.action == "history.scan": searched(event)
    default: break  // says nothing about a repository
    }
  }

  private mutating func add(_ name: RepositoryName) {
    guard acts[name] == nil else { return }
    order.append(name)
    acts[name] = Acts()
  }

  /// - Parameter operation: what a failure calls it.
  private mutating func act(_ event: JournalEvent, operation: String?) {
    let action = event.action ?? actions[PublishedReading.key(event)] ?? operation ?? ""
    guard action.hasPrefix("history.") else { return }
    guard action != "history.scan" else { return searched(event) }
    let name = repository(of: event)
    add(name)
    switch (event.kind, action) {
    case (.stepOutcome, "history.rewrite"):
      acts[name]?.rewritten = event
      let outputs = PublishedReading.outputs(event)
      if outputs["commits"]?.integer != 0 || outputs["refs"]?.integer != 0 { acts[name]?.changed = event }
      acts[name]?.restored = nil
    case (.stepOutcome, "history.restore"): acts[name]?.restored = event
    case (.stepOutcome, "history.shred"):
      if let backup = PublishedReading.outputs(event)["backup"]?.string {
        acts[name]?.shredded.insert(backup)
      }
    case (.stepOutcome, "history.push"):
      acts[name]?.pushed = event
      acts[name]?.failed = nil
    case (.stepFailed, "history.push"), (.stepFailed, "history.verify"): acts[name]?.failed = event
    case (.stepOutcome, "history.verify"):
      let values = covered(by: event)
      acts[name]?.scanned = event
      acts[name]?.covered = values
      acts[name]?.failed = nil
    default: break
    }
  }

  /// A search of this machine's repository: it shows what is there, and nothing of the forge's copy.
  private mutating func searched(_ event: JournalEvent) {
    let name = repository(of: event)
    guard acts[name] != nil, event.kind != .stepFailed else { return }
    switch PublishedReading.answer(event) {
    case "clean"?:
      // For one value of several it says nothing of the others.
      if covers(event) { acts[name]?.emptied = event }
    case "found"?: acts[name]?.found = event
    default: break
    }
  }

  private func covers(_ search: JournalEvent) -> Bool {
    let covered = covered(by: search)
    return reports.values.refs.allSatisfy { covered.contains($0) }
  }

  /// Named by the scan itself, or by its run's plan; those of before either was kept looked for what was known then.
  private func covered(by scan: JournalEvent) -> Set<SecretRef> {
    StepOutcome(scan.body).values.map { Set($0) } ?? scan.run.flatMap { secrets[$0] }
      ?? Set(reports.values.refs)
  }

  /// What a search or a verification found: `clean`, `found`.
  private static func answer(_ event: JournalEvent) -> String? {
    switch event.typed {
    case .stepOutcome(let outcome): outcome.answer
    case .stepVerified(let verified): verified.result
    default: nil  // no answer
    }
  }

  private static func outputs(_ event: JournalEvent?) -> [String: JSONValue] {
    if case .stepOutcome(let outcome)? = event?.typed { outcome.outputs } else { [:] }
  }

  private static func key(_ event: JournalEvent) -> String {
    "\(event.run?.rawValue ?? "")/\(event.step?.rawValue ?? "")/\(event.item ?? -1)"
  }

  /// Named by the act itself; by older journals only as a number in the plan's list.
  private func repository(of event: JournalEvent) -> RepositoryName {
    if let name = PublishedReading.outputs(event)["repository"]?.readable { return RepositoryName(name) }
    let number = event.item ?? 0
    if let names = event.run.flatMap({ planned[$0] }), names.indices.contains(number) { return names[number] }
    if order.count == 1, number == 0 { return order[0] }
    return RepositoryName("repository-\(number + 1)")
  }

  var result: [PublishedHistory] {
    let unlisted = unlisted ?? unmatched
    let names = order.isEmpty ? reported : order + unlisted.filter { acts[$0] == nil }
    return names.map { name in
      guard let acts = acts[name] else {
        return PublishedHistory(
          repository: name, cleaned: nil, why: "it was reported there, and no plan here reaches it",
          address: nil, objects: nil, residual: [], settled: [], clone: nil, again: nil, evidence: nil)
      }
      return judge(name, acts, unlisted: unlisted)
    }
  }

  /// Reported repositories that were not looked at, where no plan says which of them staunch.yaml has: a clone stands for one,
  /// by its name or, in a directory of another name, for any. When more are left than there are such clones, each may be
  /// the one that nobody looked at.
  private var unmatched: [RepositoryName] {
    func part(_ name: RepositoryName) -> String { LaterReports.lastPart(of: name) }
    let seen = Set(order.filter(reported.contains).map(part))
    var left = reported.filter { name in
      // A tool that leaves the owner out means the same one.
      !order.contains(name) && !(part(name) == name.rawValue.lowercased() && seen.contains(part(name)))
    }
    var others = 0
    for name in order where !reported.contains(name) {
      if let index = left.firstIndex(where: { part($0) == part(name) }) {
        left.remove(at: index)
      } else {
        others += 1
      }
    }
    return left.count > others ? left : []
  }

  /// Why the scan does not show the repository as it is known now, and what shows that; nil when it does.
  private func outdated(
    _ scan: JournalEvent, _ name: RepositoryName, _ acts: Acts, unlisted: [RepositoryName]
  ) -> (why: String, evidence: JournalEvent)? {
    let values = reports.values.refs
    if let missing = values.firstIndex(where: { !acts.covered.contains($0) }) {
      let which = values.count > 1 ? "value \(missing + 1)" : "the leaked value"
      return ("\(which) was never scanned for in a fresh clone of the remote", scan)
    }
    guard let again = reports.last(in: name, of: order, unlisted: unlisted),
      again.sequence > scan.sequence
    else { return nil }
    let at = Timestamp.text(again.at)
    return ("reported again at \(at), and no fresh clone of the remote was scanned since", again)
  }

  private func judge(_ name: RepositoryName, _ acts: Acts, unlisted: [RepositoryName]) -> PublishedHistory {
    let scan = acts.scanned
    let outputs = PublishedReading.outputs(scan)
    let remote = outputs["remote"]?.string
    let changed = [acts.changed, acts.restored, acts.pushed].compactMap { $0 }
    let later = changed + [acts.failed, acts.found].compactMap { $0 }
    let isLatest = scan.map { scan in later.allSatisfy { $0.sequence < scan.sequence } } ?? false
    let isClean =
      scan.map { PublishedReading.answer($0) == "clean" && outputs["places"]?.integer == 0 } ?? false
    let why: String
    var news: JournalEvent?
    switch (scan, remote) {
    case (.some(let scan), .some) where isLatest && isClean:
      let outdated = outdated(scan, name, acts, unlisted: unlisted)
      why =
        outdated?.why
        ?? PublishedReading.elsewhere(scan).map(PublishedReading.finding).joined(separator: "; ")
      news = outdated?.evidence
    case (.some, .some) where !isClean && isLatest:
      let places = outputs["places"]?.integer
      why =
        "a fresh clone of the remote holds it in \(places.map { $0 == 1 ? "1 place" : "\($0) places" } ?? "places that were not counted")"
    case (.some, nil) where isLatest && acts.pushed != nil:
      why = "only a clone of this machine's repository was scanned, not the remote's"
    default: why = PublishedReading.unscanned(acts)
    }
    let last = (later + [scan, news].compactMap { $0 }).max { $0.sequence < $1.sequence }
    let rewrite = acts.restored == nil ? acts.rewritten : nil
    let left = PublishedReading.residual(of: rewrite)
    var settled: [String] = []
    if let rewrite, let emptied = acts.emptied, emptied.sequence > rewrite.sequence,
      acts.found.map({ $0.sequence < emptied.sequence }) ?? true
    {
      settled = left.filter(PublishedReading.isOfThisMachine)
    }
    settled += left.filter { line in
      line.hasPrefix("undo vault ") && acts.shredded.contains { line.contains("/\($0)/vault") }
    }
    return PublishedHistory(
      repository: name, cleaned: why.isEmpty ? scan?.at : nil, why: why,
      address: remote ?? PublishedReading.outputs(acts.pushed)["remote"]?.string,
      objects: why.isEmpty ? outputs["objects"]?.integer : nil,
      residual: left.filter { !settled.contains($0) } + PublishedReading.residual(of: acts.pushed)
        + PublishedReading.elsewhere(scan),
      settled: settled, clone: PublishedReading.clone(outputs), again: outputs["again"]?.string,
      evidence: (why.isEmpty ? scan : last)?.evidence)
  }

  private static func clone(_ outputs: [String: JSONValue]) -> PublishedHistory.Clone? {
    guard let path = outputs["clone"]?.string, let remote = outputs["remote_name"]?.string else {
      return nil
    }
    return PublishedHistory.Clone(path: path, remote: remote)
  }

  /// Places that a search of the repository looks into again (`Residuals` writes the lines). What lies elsewhere stays: forks,
  /// the forge's caches, LFS objects of the server, vaults, submodules, and what could not be searched.
  private static func isOfThisMachine(_ line: String) -> Bool {
    guard !line.contains(": not searched: ") else { return false }
    return ["work tree", "config", "hooks/", "reflog: ", "ref name: ", "index: ", "git file: ", "object "]
      .contains { line.hasPrefix($0) }
  }

  private static func residual(of event: JournalEvent?) -> [String] {
    (outputs(event)["residual"]?.array ?? []).compactMap(\.string)
  }

  /// What the clone's other remotes hold, or may hold: `remote mirror (…): holds it in 3 places; fix: …`.
  private static func elsewhere(_ scan: JournalEvent?) -> [String] {
    (outputs(scan)["elsewhere"]?.array ?? []).compactMap(\.string)
  }

  private static func finding(_ line: String) -> String {
    line.firstRange(of: "; fix: ").map { String(line[..<$0.lowerBound]) } ?? line
  }

  private static func unscanned(_ acts: Acts) -> String {
    if let found = acts.found, acts.isLast(found) {
      let places = outputs(found)["places"]?.integer
      return "found on this machine at \(Timestamp.text(found.at))"
        + (places.map { " in \($0 == 1 ? "1 place" : "\($0) places")" } ?? "")
        + ", and no fresh clone of the remote was scanned since"
    }
    if acts.restored != nil { return "its rewrite was taken back" }
    if let failed = acts.failed {
      let what = acts.pushed == nil ? "the push failed" : "the proof failed"
      return "\(what): \(StepFailed(failed.body).message ?? "no reason was noted")"
    }
    if acts.pushed != nil { return "pushed, and no fresh clone of the remote was scanned since" }
    if acts.rewritten == nil { return "no run of this incident has rewritten its history" }
    return acts.changed != nil
      ? "rewritten on this machine only; not pushed"
      : "nothing was found on this machine, and the remote was not looked at"
  }
}
