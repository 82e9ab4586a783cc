/// What a drill is about: the systems that hold the leaked credentials and the programs that use them. Trackers, the repository
/// and the report are the same in every world.
protocol SandboxWorld: Sendable {
  /// One for each incident, in the order of the routes.
  var leaks: [SandboxLeak] { get }
  /// Credentials that have nothing to do with the leak and must survive, and whether all of them are accepted.
  var bystanders: (values: [String], areAccepted: @Sendable () async -> Bool) { get }
  /// The runner's own secrets by the names of their files below `keys/`.
  var runnerSecrets: [String: String] { get }
  /// What else stands below `keys/` and is no secret: public ids.
  var publicKeys: [String: String] { get }
  /// Secrets that were issued since the drill began.
  var issuedValues: [String] { get }
  /// Public halves of what the store holds: ids.
  var publicParts: [String] { get }
  /// What the store holds now, by its key.
  var stored: [String: String] { get }
  /// What it writes into staunch.yaml.
  var entries: WorldEntries { get }
  /// Where the values stand in the repository.
  var contents: LeakyContents { get }
  /// Its servers, all on loopback.
  var endpoints: [SandboxEndpoint] { get }
  /// What a person is told about it; nil when there is nothing to tell.
  var notice: String? { get }

  /// Names of what the store holds whose value is not accepted, or is still a leaked one.
  func brokenReplacements() async -> [String]
  /// What of the programs does not work now; empty when they are healthy.
  func failingPrograms() async -> [String]
  /// The most credentials that any of its providers has made in place of one.
  var replacementKeys: Int { get }
  /// Parts of the programs that were still there after a restart, and were shown: each must be named by the run.
  var stragglers: [String] { get }

  /// The drill's clock begins: what is issued from now on is a replacement.
  func begin()
  /// Stops every server. Safe to repeat.
  /// - Returns: what could not be stopped.
  func stop() async -> [String]
}

/// A leaked credential of a world, and how it is probed from outside, by identity.
struct SandboxLeak: Sendable {
  /// The finding's kind: `openai_api_key`.
  let kind: String
  /// The secret part, as it stands in the repository.
  let value: String
  /// What goes with it and is no secret: `user@host/database`, `AKIA…`.
  let handle: String?
  let isAccepted: @Sendable () async -> Bool
  /// Whether what somebody opened with it before the drill still answers; nil: there is no such thing.
  let isSessionOpen: (@Sendable () async -> Bool)?
}

/// The parts of staunch.yaml that are a world's own; each a block of YAML, indented by two.
struct WorldEntries: Sendable {
  let credentials: String
  let stores: String
  let consumers: String
  /// Kind → playbook and credential of its route, in the order of the leaks.
  let routes: [(kind: String, playbook: String, credential: String)]
}
