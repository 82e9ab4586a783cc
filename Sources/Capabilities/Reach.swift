public import Foundation

/// A place that a store and a provider spell alike, so that one can be asked about the other: `vault:https://v.example/secret/app`,
/// `aws:arn:aws:secretsmanager:…`. Not secret.
public struct ResourceName: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  public let rawValue: String
  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public var description: String { rawValue }
}

/// What a credential can read and change.
public struct Reach: Sendable, Hashable {
  public enum Access: String, Sendable, CaseIterable { case read, change }

  /// A right on one resource, or on all that begin alike.
  public struct Grant: Sendable, Hashable {
    /// `*` at its end stands for any text.
    public let resource: String
    public let access: Access
    public init(_ access: Access, _ resource: String) {
      self.access = access
      self.resource = resource
    }

    func covers(_ name: ResourceName) -> Bool {
      resource.hasSuffix("*")
        ? name.rawValue.hasPrefix(resource.dropLast()) : name.rawValue == resource
    }
  }

  public let grants: [Grant]
  /// False: it may reach more than the provider told.
  public let isComplete: Bool

  public init(_ grants: [Grant], isComplete: Bool) {
    self.grants = grants
    self.isComplete = isComplete
  }

  /// Nothing is known.
  public static let unknown = Reach([], isComplete: false)

  /// Whether `resource` is within reach; nil: nobody can say.
  public func allows(_ access: Access, _ resource: ResourceName) -> Bool? {
    if grants.contains(where: { $0.access == access && $0.covers(resource) }) { return true }
    return isComplete ? false : nil
  }
}

/// What the holder of a credential has made with it, and what lives on when it is stopped: keys, users, tokens.
public struct Successors: Sendable, Hashable {
  public struct Successor: Sendable, Hashable {
    public let ref: CredentialRef
    /// "access key of user backup".
    public let what: String
    public let made: Date?
    public init(_ ref: CredentialRef, what: String, made: Date? = nil) {
      self.ref = ref
      self.what = what
      self.made = made
    }
  }

  public let found: [Successor]
  /// The stretch of time that the provider answered for; nil: nobody can say whether there are more.
  public let covered: ClosedRange<Date>?

  public init(_ found: [Successor], covered: ClosedRange<Date>?) {
    self.found = found
    self.covered = covered
  }

  /// The provider was not asked or does not tell.
  public static let unknown = Successors([], covered: nil)
}

/// The places that an account has for credentials: two keys for an IAM user, two fixed ones for a storage account.
public struct Slots: Sendable, Hashable {
  public let limit: Int
  public let taken: [CredentialRef]
  public init(limit: Int, taken: [CredentialRef]) {
    self.limit = limit
    self.taken = taken
  }
  public var hasRoom: Bool { taken.count < limit }
}
