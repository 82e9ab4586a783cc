public import Incidents

/// What people know of one kind of credential before anything is configured: who stops it, where and how, and what lives on.
///
/// One file of `playbooks/kinds`, written from the vendor's documentation. It is advice, never a verdict: whether a
/// credential is dead is seen by a provider alone.
public struct KindKnowledge: Sendable, Hashable {
  /// The row of the table of kinds that it is of.
  public let kind: CredentialKind
  /// Who accepts it, as people say it: "GitHub".
  public let provider: String
  /// Whose authority suffices to stop it.
  public let authority: String
  /// How a person stops it.
  public let revoke: Procedure
  /// How a person makes its successor.
  public let issue: Procedure
  /// What lives on when it is stopped; at least one.
  public let survives: [String]
  /// How long until its end holds everywhere, with where that is from.
  public let propagation: String
  /// How its use is searched.
  public let usage: String
  /// What asks whether it lives, with the leaked value alone.
  public let selfVerify: SelfService
  /// What stops it, with the leaked value alone.
  public let selfRevoke: SelfService
  public let danger: Danger
  /// Where this is from; at least one.
  public let documentation: [Source]

  /// What a person does, click by click.
  public struct Procedure: Sendable, Hashable {
    /// The page where it begins: https.
    public let page: String
    /// In their order; at least one.
    public let steps: [String]
  }

  /// What the leaked value itself can bring about.
  public enum SelfService: Sendable, Hashable {
    /// A verb of a provider of ours whose call shows the leaked value, and no credential of the runner's. What an entry of
    /// staunch.yaml must say for it all the same (an address, a user's name), `needs()` in CredentialProviders tells.
    case verb(provider: String, verb: Verb)
    /// Why staunch does not do it with the value alone: a sentence.
    case not(because: String)
  }

  /// Verbs of a provider that may need the leaked value alone.
  public enum Verb: String, Sendable, CaseIterable { case verify, issue, disable, delete }

  /// What its holder can do with it, for the order in which many are stopped.
  public struct Danger: Sendable, Hashable {
    public let makesCredentials: Bool
    public let readsStores: Bool
    public let destroys: Bool
    public let spends: Bool
    /// A few words for each that is true: what, or with which right.
    public let reasons: [Trait: String]

    /// In the order of danger.
    public enum Trait: String, Sendable, CaseIterable, Comparable {
      case makesCredentials = "makes_credentials"
      case readsStores = "reads_stores"
      case destroys, spends

      public static func < (one: Self, other: Self) -> Bool { one.place < other.place }
      private var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// - Parameter reasons: one for each trait that is true.
    init(reasons: [Trait: String]) {
      self.reasons = reasons
      makesCredentials = reasons[.makesCredentials] != nil
      readsStores = reasons[.readsStores] != nil
      destroys = reasons[.destroys] != nil
      spends = reasons[.spends] != nil
    }

    /// The traits that it has, the worst first.
    public var traits: [Trait] { reasons.keys.sorted() }
  }

  /// A page that a sentence here was written from.
  public struct Source: Sendable, Hashable {
    /// https.
    public let address: String
    /// The day that it was read: `2026-11-30`.
    public let read: String
  }
}
