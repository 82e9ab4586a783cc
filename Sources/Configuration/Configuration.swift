public import Capabilities
public import Incidents
public import JSON

/// What staunch.yaml says: the targets, the routes and the policy of one installation.
public struct Configuration: Sendable {
  /// A credential and where its replacement goes.
  public struct Credential: Sendable {
    public let target: TargetConfiguration
    /// Where the replacement is stored; nil when a person takes it.
    public let store: StoreName?
    /// Its name in the store.
    public let key: String
    /// Field → name in the store, where its parts are kept apart.
    public var keys: [String: String] = [:]
    public let consumers: [ConsumerName]
    /// Other names of it in what leaks: a host (`db1`, `db1:6432`), or all that a connection string says
    /// (`svc@db1/app`).
    public var aliases: [String] = []
    /// Kinds of leaks that it is for, besides those that the table of kinds gives its provider.
    public var leaks: [CredentialKind] = []

    public init(
      target: TargetConfiguration, store: StoreName?, key: String, keys: [String: String] = [:],
      consumers: [ConsumerName], aliases: [String] = [], leaks: [CredentialKind] = []
    ) {
      self.target = target
      self.store = store
      self.key = key
      self.keys = keys
      self.consumers = consumers
      self.aliases = aliases
      self.leaks = leaks
    }
  }

  /// A local clone whose history is cleaned.
  public struct Repository: Sendable {
    public let name: RepositoryName
    /// Absolute, or relative to the directory of staunch.yaml; already resolved.
    public let path: String
    /// The remote that is pushed to; nil: nothing is pushed.
    public let remote: String?
    /// Names by which reports call it (`owner/name`, a directory).
    public let aliases: [String]
    /// Its own Git settings count, those that start programs among them.
    public let trustsConfig: Bool
  }

  /// Which incidents start which playbook.
  public struct Route: Sendable {
    /// How far an incident may go without a person.
    public enum Autonomy: String, Sendable, CaseIterable { case record, plan, contain }
    public let kinds: [String]
    public let repositories: [String]
    public let sources: [String]
    public let validities: [String]
    public let playbook: PlaybookID
    public var credential: CredentialName?
    public let store: StoreName?
    public let consumers: [ConsumerName]?
    public let targets: [RepositoryName]
    /// Nil: tickets go to ``Configuration/localTracker``, and the worker's messages nowhere.
    public let tracker: TrackerName?
    public let autonomy: Autonomy
    /// With `contain`: the only actions that run without a person.
    public let actions: Set<String>
    public let position: String
  }

  /// Extra rules of the installation.
  public struct Policy: Sendable {
    public var minimumApprovals = 1
    public var notInitiator = false
    /// Who of the trusted people may approve a plan, leave a step out and release a storm: any of these roles. Others may
    /// look, write notes, and approve the gates that name their role.
    public var approvalRoles: Set<String> = ["responder", "repository-admin"]
    /// Actions that may run without an approval upstream, by the exception's name.
    public var exceptions: [String: [String]] = [:]
    /// Whose key the local identity is.
    public var localPerson: String?
    /// When so much leaks at once that a person must look first.
    public var storm = StormBreaker()
    /// Kinds that start at once, besides those of the table of kinds.
    public var criticalKinds: Set<String> = []
    /// Who is told when nobody answers; nil: nobody else.
    public var escalation: Escalation?
    /// How long the values of a closed incident stay sealed; nil: 30 days.
    public var retention: Duration?
    /// How fast providers may be called, by their kind.
    public var calls: [String: CallLimit] = [:]
    public init() {}

    /// What happens when a plan, a gate or a manual step of the worker's waits for a person and nobody comes.
    public struct Escalation: Sendable, Hashable {
      /// How long it waits.
      public let after: Duration
      /// Who is told then; nil: the tracker of the incident's route, once more.
      public let tracker: TrackerName?
    }
  }

  /// A provider's own limit: so many calls a second, so many at once.
  public struct CallLimit: Sendable, Hashable {
    /// Above 0.
    public let perSecond: Double
    /// From 1.
    public let burst: Int
  }

  /// A platform that is asked again and again, so that a lost delivery is found.
  public struct Source: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case github, gitguardian }
    public let kind: Kind
    public let baseURL: String
    /// A reference (`env:…`).
    public let token: String
    /// `owner/name`; for GitHub.
    public let repositories: [String]
    public let every: Duration
    public let position: String
  }

  /// What the endpoint and the worker share, as a directory of its own: then they are two users, and the state directory is closed
  /// to the endpoint.
  public struct Exchange: Sendable, Hashable {
    /// Absolute.
    public let directory: String
    /// The group by which the endpoint's user reads and writes there.
    public let group: String
    /// `receiver.json` of an endpoint that somebody else starts, absolute: `doctor` looks at its routes. Nil: it is not looked at.
    public let settings: String?
    public let position: String

    public init(directory: String, group: String, settings: String? = nil, position: String) {
      self.directory = directory
      self.group = group
      self.settings = settings
      self.position = position
    }
  }

  /// The tracker of whoever names none: Markdown files on this machine. An entry of this name under `trackers:` takes its
  /// place.
  public static let localTracker: TrackerName = "local"

  /// The file it was read from.
  public let file: String
  public var credentials: [CredentialName: Credential] = [:]
  public var stores: [StoreName: TargetConfiguration] = [:]
  public var consumers: [ConsumerName: TargetConfiguration] = [:]
  public var repositories: [RepositoryName: Repository] = [:]
  /// Those of the file, and ``localTracker`` in any case.
  public var trackers: [TrackerName: TargetConfiguration] = [
    Configuration.localTracker: TargetConfiguration(
      name: Configuration.localTracker.rawValue, kind: "markdown-files", settings: [:], position: "built in")
  ]
  /// In the order of the file: the first that fits is taken.
  public var routes: [Route] = []
  public var policy = Policy()
  public var sources: [Source] = []
  /// The endpoint's own settings, as they stand; nil: this installation has no endpoint.
  public var receiver: JSONValue?
  /// Nil: `exchange` in the state directory.
  public var exchange: Exchange?
  /// The directory of a team's own provider files, absolute; nil: none.
  public var providers: String?
  /// Kinds of credentials for which a person does the provider's part: those in code, and those of ``credentials``.
  public var guidedKinds: Set<String> = ["generic"]
  /// True: every target is a sandbox of a drill.
  public var isDrill = false

  public init(file: String) { self.file = file }
}

/// The adapters that exist: section → kind → its settings.
public struct AdapterCatalogue: Sendable {
  /// What an entry of a kind of credentials may set, and whether a person does the provider's part.
  public typealias CredentialEntry = (settings: [SettingDeclaration], isGuided: Bool)

  /// Kinds of credentials that files describe: the names are known, and a file is read when an entry has its kind.
  public struct Described: Sendable {
    public let kinds: [String]
    let read: @Sendable (String) throws(CapabilityError) -> CredentialEntry?

    /// - Parameter read: throws `.configuration` when the file of a kind cannot be read.
    public init(
      kinds: [String], read: @escaping @Sendable (String) throws(CapabilityError) -> CredentialEntry?
    ) {
      self.kinds = kinds
      self.read = read
    }
  }

  /// Those in code.
  public let credentials: [String: [SettingDeclaration]]
  public let described: Described
  public let stores: [String: [SettingDeclaration]]
  public let consumers: [String: [SettingDeclaration]]
  public let trackers: [String: [SettingDeclaration]]
  /// Kinds of ``credentials`` for which a person does the provider's part.
  public let guided: Set<String>

  public init(
    credentials: [String: [SettingDeclaration]], stores: [String: [SettingDeclaration]],
    consumers: [String: [SettingDeclaration]], trackers: [String: [SettingDeclaration]],
    guided: Set<String> = ["generic"],
    described: Described = Described(kinds: []) { _ throws(CapabilityError) in nil }
  ) {
    self.guided = guided
    self.described = described
    self.credentials = credentials
    self.stores = stores
    self.consumers = consumers
    self.trackers = trackers
  }

  /// In the order of the alphabet.
  public var credentialKinds: [String] { Set(credentials.keys).union(described.kinds).sorted() }

  /// Nil where there is no such kind. - Throws: `.configuration` when the file of the kind cannot be read.
  public func credential(_ kind: String) throws(CapabilityError) -> CredentialEntry? {
    if let settings = credentials[kind] { return (settings, guided.contains(kind)) }
    return try described.read(kind)
  }
}
