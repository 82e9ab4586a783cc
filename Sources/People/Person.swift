public import Capabilities
import Cryptography
public import Foundation
public import JSON
public import Secrets

/// Somebody who may sign in on the console: a signing key that only their password opens, and the roles they may act in.
///
/// The endpoint holds this record and never the open key, except during one signature.
public struct Person: Sendable, Hashable {
  public let name: String
  public var roles: [String]
  /// Ed25519, 32 bytes.
  public let publicKey: Data
  /// The private key, sealed under the password.
  public let lock: PasswordLock

  /// A new person with a new random key.
  ///
  /// - Throws: ``PeopleError``: `name`, `role` or `password` does not fit.
  public init(name: String, roles: [String], password: Secret, cost: PasswordLock.Cost = .standard)
    throws(PeopleError)
  {
    try Person.check(name: name, roles: roles)
    let identity = LocalIdentity()
    self.name = name
    self.roles = roles
    publicKey = identity.publicKey
    lock = try PasswordLock(
      sealing: identity.secret, under: password, bound: Person.binding(name, identity.publicKey), cost: cost)
  }

  /// Somebody whose key lies elsewhere: their signatures count, and they do not sign in here.
  ///
  /// - Parameter key: Ed25519, 32 bytes.
  /// - Throws: ``PeopleError``: `name` or `role` does not fit.
  public init(name: String, roles: [String], signingElsewhere key: Data) throws(PeopleError) {
    try Person.check(name: name, roles: roles)
    self.init(
      name: name, roles: roles, publicKey: key,
      lock: PasswordLock(salt: Data(count: 16), sealed: Data(), cost: .standard))
  }

  /// Nothing is sealed here that a password could open.
  public var signsElsewhere: Bool { lock.sealed.isEmpty }

  private init(name: String, roles: [String], publicKey: Data, lock: PasswordLock) {
    self.name = name
    self.roles = roles
    self.publicKey = publicKey
    self.lock = lock
  }

  /// As in ``ApproverIdentity/fingerprint``.
  public var fingerprint: String { String(Hex.text(SHA256.hash(data: publicKey)).prefix(16)) }

  /// The signing key, when the password is right; nil when it is not. Takes about a tenth of a second of one core, on purpose.
  public func identity(password: Secret) throws(PeopleError) -> LocalIdentity? {
    guard let secret = try lock.open(password, bound: Person.binding(name, publicKey)) else { return nil }
    do {
      let identity = try LocalIdentity(secret: secret)
      return identity.publicKey == publicKey ? identity : nil
    } catch {
      throw PeopleError(
        .file, "open the key of \(name)", because: "what was sealed is no Ed25519 key",
        fix: "staunch people remove \(name), then add \(name) again")
    }
  }

  /// The same key and roles under another password.
  /// - Returns: nil when the old password is wrong.
  public func changing(password old: Secret, to new: Secret) throws(PeopleError) -> Person? {
    guard let identity = try identity(password: old) else { return nil }
    let lock = try PasswordLock(
      sealing: identity.secret, under: new, bound: Person.binding(name, publicKey), cost: lock.cost)
    return Person(name: name, roles: roles, publicKey: publicKey, lock: lock)
  }

  /// A record moved to another name or key does not open.
  private static func binding(_ name: String, _ key: Data) -> Data {
    Data("staunch person v1\n\(name)\n".utf8) + key
  }

  private static func check(name: String, roles: [String]) throws(PeopleError) {
    guard name.wholeMatch(of: /[a-z0-9][a-z0-9._@-]{0,63}/) != nil else {
      throw PeopleError(
        .name, "add a person",
        because: "a name is 1 to 64 of a-z, 0-9, '.', '_', '@', '-', and begins with a letter or digit",
        fix: "staunch people add maria --role responder")
    }
    guard !roles.isEmpty, roles.allSatisfy({ $0.wholeMatch(of: /[a-z][a-z0-9-]{0,63}/) != nil }) else {
      throw PeopleError(
        .role, "add a person", because: "a role is lower-case letters, digits and '-', and one is needed",
        fix: "staunch people add \(name) --role responder")
    }
  }
}

extension Person {
  /// `{"name","roles","key","salt","sealed","scrypt":{"n","r","p"}}`.
  public var json: JSONValue {
    [
      "name": .string(name), "roles": .array(roles.map(JSONValue.string)),
      "key": .string(publicKey.base64EncodedString()), "salt": .string(lock.salt.base64EncodedString()),
      "sealed": .string(lock.sealed.base64EncodedString()),
      "scrypt": ["n": .integer(lock.cost.n), "r": .integer(lock.cost.r), "p": .integer(lock.cost.p)],
    ]
  }

  /// Reads what ``json`` wrote. - Throws: `.file`.
  public init(json: JSONValue) throws(PeopleError) {
    guard let name = json["name"]?.string, let roles = json["roles"]?.array?.compactMap(\.string),
      let key = json["key"]?.string.flatMap({ Data(base64Encoded: $0) }), key.count == 32,
      let salt = json["salt"]?.string.flatMap({ Data(base64Encoded: $0) }), salt.count >= 16,
      let sealed = json["sealed"]?.string.flatMap({ Data(base64Encoded: $0) }),
      let n = json["scrypt"]?["n"]?.integer, let r = json["scrypt"]?["r"]?.integer,
      let p = json["scrypt"]?["p"]?.integer, let cost = PasswordLock.Cost(n: n, r: r, p: p)
    else {
      throw PeopleError(
        .file, "read the people", because: "an entry lacks a member, or one does not fit",
        fix: "staunch people list; restore the file from a backup, or add the person again")
    }
    try Person.check(name: name, roles: roles)
    self.init(
      name: name, roles: roles, publicKey: key, lock: PasswordLock(salt: salt, sealed: sealed, cost: cost))
  }
}
