public import Capabilities
public import Incidents
public import Journal
public import Playbooks

/// What an engine works with; assembled once per process (or by a drill, or by the simulation).
public struct EngineEnvironment: Sendable {
  public var journal: Journal
  /// By `noun.verb`.
  public var actions: [String: AnyAction]
  public var attributes: any AttributeSource
  public var policy: ExecutionPolicy
  public var attendant: any Attendant
  public var clock: any EngineClock
  public var progress: any ProgressSink
  /// This process.
  public var owner: LockOwner
  /// Fingerprint of whoever starts the run: `not_initiator` gates do not count them.
  public var initiator: String?
  /// For `run.started`.
  public var toolVersion: String
  /// Destroys the run's sealing key when the run is done.
  public var shredsWhenDone: Bool
  public var crashPoint: CrashPointHook
  /// Actions that this session does not begin: history, while other incidents of the report are not contained.
  public var held: Set<String> = []
  /// Written with the start of the run, once it has its locks: the word for a plan that nobody saved.
  public var opening: [NewEvent] = []
  /// Hears every event of the run right after it is durable. Called on the engine's tasks; must return at once.
  public var observer: @Sendable (JournalEvent) -> Void

  public init(
    journal: Journal, actions: [String: AnyAction], policy: ExecutionPolicy,
    attributes: any AttributeSource = NoAttributes(), attendant: any Attendant = NoAttendant(),
    clock: any EngineClock = SystemClock(), progress: any ProgressSink = SilentProgress(),
    owner: LockOwner = .current, initiator: String? = nil, toolVersion: String = "",
    shredsWhenDone: Bool = true,
    crashPoint: @escaping CrashPointHook = { _ in },
    observer: @escaping @Sendable (JournalEvent) -> Void = { _ in }
  ) {
    self.journal = journal
    self.actions = actions
    self.policy = policy
    self.attributes = attributes
    self.attendant = attendant
    self.clock = clock
    self.progress = progress
    self.owner = owner
    self.initiator = initiator
    self.toolVersion = toolVersion
    self.shredsWhenDone = shredsWhenDone
    self.crashPoint = crashPoint
    self.observer = observer
  }
}
