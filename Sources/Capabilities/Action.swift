public import Incidents
public import JSON
public import Secrets

/// One call of an action by a step: what to do it with and how to name it outside.
public struct ActionCall: Sendable {
  public let run: RunID
  public let incident: IncidentID?
  public let step: StepID
  /// The `for_each` item, from 0; nil outside a loop.
  public let item: Int?
  /// From 1; a resumed intent keeps its number.
  public let attempt: Int
  /// The evaluated `with:`.
  public let inputs: [String: Value]
  /// Outputs of this step's earlier phases.
  public let earlier: [String: Value]
  /// `staunch-<run>-<step>-<n>`: names what is made outside so that it can be found again; also the idempotency key.
  public let marker: String
  /// Opens the handles in `inputs` and `earlier`.
  public let secrets: any SecretResolver
  /// Hears how far long work is.
  public let progress: any ProgressSink

  public init(
    run: RunID, incident: IncidentID?, step: StepID, item: Int?, attempt: Int, inputs: [String: Value],
    earlier: [String: Value], marker: String, secrets: any SecretResolver, progress: any ProgressSink
  ) {
    self.run = run
    self.incident = incident
    self.step = step
    self.item = item
    self.attempt = attempt
    self.inputs = inputs
    self.earlier = earlier
    self.marker = marker
    self.secrets = secrets
    self.progress = progress
  }
}

/// Opens secret handles. The journal is one; a drill and the tests have others.
public protocol SecretResolver: Sendable {
  /// - Throws: `.notFound` for a handle nobody sealed, `.refused` when its key was destroyed.
  func secret(_ ref: SecretRef) async throws(CapabilityError) -> Secret
}

/// Hears how far long work is; called often, returns at once.
public protocol ProgressSink: Sendable {
  /// - Parameters:
  ///   - total: nil when it is not known.
  ///   - unit: plural noun, for example `objects`.
  func progress(_ phase: String, done: Int, total: Int?, unit: String)
}

/// What a call gave back.
public struct ActionResult: Sendable {
  /// By the names of the signature.
  public var outputs: [String: Value]
  /// The answer to the action's question, for `expect:`; nil when it asks none.
  public var answer: String?
  /// Secrets that the call obtained: the engine seals them in the same transaction as the outcome.
  public var secrets: [SecretRef: Secret]
  /// Probes that the call made, for the journal.
  public var probes: [ProbeRecord]
  /// How long a change to what was asked about may take to hold everywhere; nil: nothing is known of that.
  public var propagation: Duration?
  /// Nothing was changed: what was wanted was there already. Then nothing is taken back either.
  public var isUnchanged: Bool
  /// What to say and do where a step expected another answer; nil: the answer says it all.
  public var objection: CapabilityError?

  public init(
    outputs: [String: Value] = [:], answer: String? = nil, secrets: [SecretRef: Secret] = [:],
    probes: [ProbeRecord] = [], propagation: Duration? = nil,
    isUnchanged: Bool = false, objection: CapabilityError? = nil
  ) {
    self.outputs = outputs
    self.answer = answer
    self.secrets = secrets
    self.probes = probes
    self.propagation = propagation
    self.isUnchanged = isUnchanged
    self.objection = objection
  }
}

/// A credential probe worth keeping as evidence.
public struct ProbeRecord: Sendable, Hashable {
  public let credential: CredentialName
  public let secret: SecretRef
  public let probe: CredentialProbe
  public init(credential: CredentialName, secret: SecretRef, probe: CredentialProbe) {
    self.credential = credential
    self.secret = secret
    self.probe = probe
  }
}

/// What must be durable before an effect: journalled inside INTENT.
public struct Preparation: Sendable {
  /// What exists now (ids of existing keys, old object names …): what a resume compares with.
  public var snapshot: JSONValue
  /// Values that we generate ourselves (a new password): sealed before the call.
  public var secrets: [SecretRef: Secret]
  public init(snapshot: JSONValue = [:], secrets: [SecretRef: Secret] = [:]) {
    self.snapshot = snapshot
    self.secrets = secrets
  }
}

/// How an INTENT without OUTCOME turned out, found by a probe.
public enum Settlement: Sendable {
  /// It was done; here is what it gave.
  case done(ActionResult, evidence: String)
  /// It was not done, or its traces were removed: perform it.
  case notDone(evidence: String)
  /// It is not there, but a request may be carried out until `lateness` after it was cut off: then look again.
  case notDoneYet(evidence: String, lateness: Duration)
  /// Nobody can tell: policy decides (retry, skip, ask).
  case unknown(reason: String)
}

/// Something that an attempt of a step has left outside and that nobody uses.
public struct Leftover: Sendable, Hashable {
  /// Its public id.
  public let ref: String
  /// It is certainly this run's, and can go.
  public let isRemovable: Bool
  /// Why nobody uses it.
  public let why: String
  public init(ref: String, isRemovable: Bool, why: String) {
    self.ref = ref
    self.isRemovable = isRemovable
    self.why = why
  }
}

/// What a step would do, found out without doing it.
public struct PlannedEffect: Sendable, Hashable {
  /// One sentence: "issue service account key staunch-… in project p".
  public var will: String
  /// What it acts on.
  public var target: String
  /// What must still hold when it runs; re-read before the step, a difference stops the run (drift).
  public var preconditions: [String: JSONValue]
  /// Names among ``preconditions`` that no step of a run changes: they are compared also when the run itself has changed
  /// the target before.
  public var constants: Set<String>
  public var isReversible: Bool
  /// Consumers, sessions, refs and people that will notice.
  public var affected: [String]
  /// What cannot be told in advance, each with the reason.
  public var cannotPredict: [String]

  public init(
    will: String, target: String, preconditions: [String: JSONValue] = [:],
    constants: Set<String> = [], reversible: Bool, affected: [String] = [], cannotPredict: [String] = []
  ) {
    self.will = will
    self.target = target
    self.preconditions = preconditions
    self.constants = constants
    self.isReversible = reversible
    self.affected = affected
    self.cannotPredict = cannotPredict
  }
}

extension PlannedEffect {
  /// The value of a precondition that could not be found out.
  public static func unknown(because reason: String) -> JSONValue { ["unknown": .string(reason)] }

  /// Whether two values of a precondition differ. What could not be found out, then or now, is no difference.
  public static func differ(_ one: JSONValue?, _ other: JSONValue?) -> Bool {
    one != other && one?["unknown"] == nil && other?["unknown"] == nil
  }
}

/// An action that only looks: runs for real while planning.
public protocol ReadAction: Sendable {
  var signature: ActionSignature { get }
  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult
}

/// An action that changes the world, in one or more journalled phases (`issue`, `store`).
public protocol EffectAction: Sendable {
  var signature: ActionSignature { get }
  /// At least one. Each gets its own INTENT and OUTCOME.
  var phases: [String] { get }
  /// What the whole step would do. Reads only.
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect
  /// The longest that this call may hold its run up; nil: as long as the step says.
  func patience(for call: ActionCall) async -> Duration?
  /// Looks before the phase and generates what must be durable before it. Reads only.
  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation
  /// Does it. Throws `.unknownOutcome` when the reply was lost.
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult
  /// Finds out how an earlier `perform` ended. May remove an orphan, hence the authority.
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement
  /// How late a request whose reply was lost may still be carried out.
  func lateness(_ call: ActionCall) throws(CapabilityError) -> Duration
  /// What the attempts of this step left outside beside what its outputs (`call.earlier`) name. Read only.
  func leftovers(_ call: ActionCall, _ prepared: [Preparation]) async throws(CapabilityError) -> [Leftover]
  /// Something that is read in a moment and differs whenever ``plan(_:)`` may tell something else (the ids of all refs);
  /// nil: there is no such thing. Read only.
  func glance(_ call: ActionCall) async throws(CapabilityError) -> JSONValue?
  /// Names of the preconditions of ``plan(_:)`` that ``outlook(_:)`` finds out.
  var foreseen: Set<String> { get }
  /// Preconditions that somebody else may change at any time, found out within two seconds. What differs is told before the
  /// run's first change; it stops this step when its turn comes, and nothing before it. Read only.
  func outlook(_ call: ActionCall) async throws(CapabilityError) -> [String: JSONValue]
}

extension EffectAction {
  public func lateness(_ call: ActionCall) throws(CapabilityError) -> Duration { .zero }
  public func leftovers(_ call: ActionCall, _ prepared: [Preparation]) async throws(CapabilityError)
    -> [Leftover]
  { [] }
  public func glance(_ call: ActionCall) async throws(CapabilityError) -> JSONValue? { nil }
  public var foreseen: Set<String> { [] }
  public func outlook(_ call: ActionCall) async throws(CapabilityError) -> [String: JSONValue] { [:] }
  public var phases: [String] { ["perform"] }
  public func patience(for call: ActionCall) async -> Duration? { nil }
  public func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    Preparation()
  }
}

// The gateway of effects: whoever has an action done or settled comes through here, so that an approval which names actions
// reaches those and no other. Tests of a single action call it directly.
extension EffectAction {
  /// ``perform(_:phase:prepared:under:)``, where `authority` covers this action.
  /// - Throws: `.unsafe` where it does not; nothing was done.
  public func carryOut(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try authority.require(signature.id)
    return try await perform(call, phase: phase, prepared: prepared, under: authority)
  }

  /// ``settle(_:phase:prepared:under:)``, where `authority` covers this action: settling may remove what an action made.
  /// - Throws: `.unsafe` where it does not; nothing was done.
  public func findOut(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    try authority.require(signature.id)
    return try await settle(call, phase: phase, prepared: prepared, under: authority)
  }
}

/// Any action, by kind.
public enum AnyAction: Sendable {
  case read(any ReadAction)
  case effect(any EffectAction)

  public var signature: ActionSignature {
    switch self {
    case .read(let action): action.signature
    case .effect(let action): action.signature
    }
  }
}
