public import Incidents
public import JSON

/// `plan.saved`.
public struct PlanSaved: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var plan: PlanID? { text("plan").map { PlanID($0) } }
  public var digest: String? { text("digest") }
  public var playbook: PlaybookID? { text("playbook").map { PlaybookID($0) } }
  /// SHA-256 of its file.
  public var playbookHash: String? { text("playbook_sha256") }
  /// What it will do, in order; nil: a plan of before they were named.
  public var steps: [StepID]? {
    body["steps"]?.array?.compactMap { $0.string ?? $0["step"]?.string }.map { StepID($0) }
  }
  /// The run that it is the plan of.
  public var run: RunID? { text("run").map { RunID($0) } }
  /// Nil: a plan of before they were named.
  public var secrets: [SecretRef]? { texts("secrets").map { $0.map { SecretRef($0) } } }
  public var repositories: [RepositoryName]? { texts("repositories").map { $0.map { RepositoryName($0) } } }
  /// Reported repositories that staunch.yaml does not have; nil: nobody looked.
  public var unlisted: [RepositoryName]? { texts("unlisted").map { $0.map { RepositoryName($0) } } }
}

/// `plan.approved`.
public struct PlanApproved: EventBody {
  /// ``via`` of a word that the worker took: it carries the run out itself.
  public static let worker = "worker"

  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var plan: PlanID? { text("plan").map { PlanID($0) } }
  public var digest: String? { text("digest") }
  /// The gate; nil: the plan.
  public var step: StepID? { text("step").map { StepID($0) } }
  /// What a policy's word is bounded to; nil: a person's, which covers the plan.
  public var actions: [String]? { texts("actions") }
  public var via: String? { text("via") }
  /// A person's yes to the whole plan.
  public var coversPlan: Bool { body["actions"] == nil && body["step"] == nil }
}

/// `plan.declined`.
public struct PlanDeclined: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var plan: PlanID? { text("plan").map { PlanID($0) } }
  public var digest: String? { text("digest") }
  public var reason: String? { text("reason") }
  public var step: StepID? { text("step").map { StepID($0) } }
}

/// `run.started`.
public struct RunStarted: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var mode: String? { text("mode") }
  public var plan: PlanID? { text("plan").map { PlanID($0) } }
  public var playbook: PlaybookID? { text("playbook").map { PlaybookID($0) } }
  public var toolVersion: String? { text("tool_version") }
  public var isDrill: Bool { mode == "drill" || body["drill"]?.boolean == true }
}

/// `run.resumed`.
public struct RunResumed: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var reason: String? { text("reason") }
}

/// `run.ended`.
public struct RunEnded: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  /// Nil: a state that this version does not know.
  public var state: IncidentStatus.Run.State? {
    text("state").flatMap { IncidentStatus.Run.State(rawValue: $0) }
  }
  /// Why, unless it is done.
  public var reason: String? { text("reason") }
  /// The world was no longer as it was planned.
  public var isDrift: Bool { body["drift"]?.boolean == true }
  /// Nothing goes on: it is done, or taken back.
  public var isOver: Bool { state == .done || state == .aborted }
}

/// `lock.taken` and `lock.released`.
public struct LockChange: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
}

/// `drift.found`.
public struct DriftFound: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var what: String? { text("what") }
  /// Told before the first change; it stops its own step alone.
  public var isForeseen: Bool { body["foreseen"]?.boolean == true }
  /// The playbook itself is another one now.
  public var isOfPlaybook: Bool { body["playbook"] != nil }
}

/// `message`: a message on its way to a tracker.
public struct MessageMoved: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var tracker: TrackerName? { text("tracker").map { TrackerName($0) } }
  public var id: String? { text("message_id") }
  /// Its number in its ticket.
  public var number: Int? { body["sequence"]?.integer }
  /// `queued`, `sent`, `unknown`, `dead`, `dropped`, `replaced`.
  public var state: String? { text("state") }
  public var attempt: Int? { body["attempt"]?.integer }
  public var event: String? { text("event") }
  /// Queued for the first time: again after a failed try is nothing new.
  public var isNew: Bool { state == "queued" && (attempt ?? 0) == 0 }
}

/// `note` and `todo`: what a person wrote down.
public struct PersonsWord: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public init(_ words: String, role: RoleName, owner: RoleName? = nil) {
    var members: [String: JSONValue] = ["text": .string(words), "role": .string(role.rawValue)]
    members["owner_role"] = owner.map { .string($0.rawValue) }
    body = .object(members)
  }
  public var words: String? { text("text") }
  public var role: RoleName? { text("role").map { RoleName($0) } }
  /// Who is to do it.
  public var owner: RoleName? { text("owner_role").map { RoleName($0) } }
}

/// `decision`.
public struct DecisionMade: EventBody {
  /// ``what`` of the decision that holds everything back, and of the one that lets it go on.
  public static let storm = "storm"
  public static let stormReleased = "storm released"

  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public init(
    _ what: String, because reason: String, role: RoleName, step: StepID? = nil, item: Int? = nil
  ) {
    var members: [String: JSONValue] = [
      "what": .string(what), "reason": .string(reason), "role": .string(role.rawValue),
    ]
    members["step"] = step.map { .string($0.rawValue) }
    members["item"] = item.map { .integer($0) }
    body = .object(members)
  }
  public var what: String? { text("what") }
  public var reason: String? { text("reason") }
  public var role: RoleName? { text("role").map { RoleName($0) } }
  /// Of an answer to a step.
  public var step: StepID? { text("step").map { StepID($0) } }
  public var item: Int? { body["item"]?.integer }
  /// Of a message that tells several incidents at once: its id, and theirs.
  public var message: String? { text("message") }
  public var incidents: [IncidentID] { (texts("incidents") ?? []).map { IncidentID($0) } }
}
