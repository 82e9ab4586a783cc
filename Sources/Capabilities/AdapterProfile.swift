/// What people must know of a kind and no system tells: its row of docs/PROVIDERS.md.
public struct AdapterProfile: Sendable, Hashable {
  /// What its tests run against.
  public enum World: String, Sendable, Hashable, CaseIterable {
    /// The real server, or the real file.
    case real
    /// An emulator that was not written here.
    case emulator
    /// A server of ours that keeps state and answers in the words of the documentation.
    case simulator
    /// Exchanges written from the documentation.
    case recorded
  }

  /// What not every kind can do.
  public enum Ability: Sendable, Hashable {
    /// A provider tells what a credential reads and changes.
    case reach
    /// A provider names what its holder made with it.
    case successors
    /// A provider removes one for good.
    case delete
    /// A consumer looks for an old value in its running parts, and names those that hold it.
    case holdings
    /// A consumer names its running parts that are older than the change.
    case older
  }

  public let world: World
  /// The least that the runner's own credential must be allowed, in the system's words.
  public let privilege: String
  /// What lives on when a credential is stopped, or a value replaced.
  public let survives: String
  /// What a change was seen to take on the real server; nil: nobody has measured it.
  public let measured: String?
  /// What is searched for abuse; nil: the system tells nothing, and a person searches.
  public let abuse: String?
  public let abilities: Set<Ability>
  /// What else the tests are, in a few words.
  public let note: String?

  public init(
    _ world: World, privilege: String, survives: String, measured: String? = nil, abuse: String? = nil,
    can abilities: Set<Ability> = [], note: String? = nil
  ) {
    self.world = world
    self.privilege = privilege
    self.survives = survives
    self.measured = measured
    self.abuse = abuse
    self.abilities = abilities
    self.note = note
  }
}
