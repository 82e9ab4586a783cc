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

  public init(
    outputs: [String: Value] = [:], answer: String? = nil, secrets: [SecretRef: Secret] = [:],
    probes: [ProbeRecord] = []
  ) {
    self.outputs = outputs
    self.answer = answer
    self.secrets = secrets
    self.probes = probes
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
  /// Nobody can tell: policy decides (retry, skip, ask).
  case unknown(reason: String)
}

/// What a step would do, found out without doing it.
public struct PlannedEffect: Sendable, Hashable {
  /// One sentence: "issue service account key staunch-… in project p".
  public var will: String
  /// What it acts on.
  public var target: String
  /// What must still hold when it runs; re-read before the step, a difference stops the run (drift).
  public var preconditions: [String: JSONValue]
  public var isReversible: Bool
  /// Consumers, sessions, refs and people that will notice.
  public var affected: [String]
  /// What cannot be told in advance, each with the reason.
  public var cannotPredict: [String]

  public init(
    will: String, target: String, preconditions: [String: JSONValue] = [:], reversible: Bool,
    affected: [String] = [], cannotPredict: [String] = []
  ) {
    self.will = will
    self.target = target
    self.preconditions = preconditions
    self.isReversible = reversible
    self.affected = affected
    self.cannotPredict = cannotPredict
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
}

extension EffectAction {
  public var phases: [String] { ["perform"] }
  public func patience(for call: ActionCall) async -> Duration? { nil }
  public func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    Preparation()
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
