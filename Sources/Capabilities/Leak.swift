public import Incidents
public import Secrets

/// What leaked, as far as anyone knows: the public part, the values, or only one of them.
///
/// A report that names only an id (a cloud's notice, a hint in a log) is a leak too: the id suffices to stop it.
public struct Leak: Sendable {
  /// What the scanner called it; nil where nobody said.
  public let kind: CredentialKind?
  /// The public part: `AKIA…`, `role@host/db`, a key's hint, a fingerprint.
  public let handle: String?
  /// Every value that leaked; empty when only the handle is known.
  public let values: [Secret]
  /// Other public parts, by name: `tenant_id`, `account`.
  public let fields: [String: String]

  public init(
    kind: CredentialKind? = nil, handle: String? = nil, values: [Secret] = [], fields: [String: String] = [:]
  ) {
    self.kind = kind
    self.handle = handle
    self.values = values
    self.fields = fields
  }

  /// One value.
  public init(_ value: Secret, handle: String? = nil) { self.init(handle: handle, values: [value]) }

  /// The first value.
  public var value: Secret? { values.first }

  /// The first value, for what cannot be done without one.
  /// - Throws: `.invalid` when only the handle is known.
  public func requireValue(to operation: String) throws(CapabilityError) -> Secret {
    guard let value else {
      throw CapabilityError(
        .invalid, operation, because: "only the id of the leak is known, and this needs its value",
        fix: "give the value (--secret env:NAME), or stop it by its id")
    }
    return value
  }
}

/// Whose a leak is at its provider: one credential, which may stand at several places.
public struct Subject: Sendable, Hashable {
  /// Its name as a whole: a user, a key, an account.
  public let identity: CredentialRef
  /// Each place where it is to be stopped: host rows, nodes, slots. Never empty.
  public let refs: [CredentialRef]

  public init(_ identity: CredentialRef, at refs: [CredentialRef] = []) {
    self.identity = identity
    self.refs = refs.isEmpty ? [identity] : refs
  }
}

/// What became of one place.
public struct RefResult: Sendable, Hashable {
  public let ref: CredentialRef
  /// Nil: it was done there.
  public let problem: CapabilityError?
  public init(_ ref: CredentialRef, problem: CapabilityError? = nil) {
    self.ref = ref
    self.problem = problem
  }
}

extension [RefResult] {
  /// - Throws: the first problem, saying at which places it was done and at which not.
  public func check(_ operation: String) throws(CapabilityError) {
    let failed = filter { $0.problem != nil }
    guard let problem = failed.first?.problem else { return }
    guard count > 1 else { throw problem }
    let done = filter { $0.problem == nil }.map(\.ref.rawValue)
    throw CapabilityError(
      problem.class, operation,
      because: "not at \(failed.map(\.ref.rawValue).joined(separator: ", ")) (\(problem.because)); "
        + (done.isEmpty ? "at no place" : "done at \(done.joined(separator: ", "))"),
      fix: problem.fix, requestID: problem.requestID, retryAfter: problem.retryAfter)
  }
}
