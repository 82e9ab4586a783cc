public import Foundation
public import Incidents
public import Secrets

// What is true of a credential at all its places, written once: a place that fails keeps no other from being stopped, and
// "dead" is said only when each of them says so.
extension CredentialProvider {
  /// The credential that one of the values names (values of one credential share its id); without a value, the handle.
  /// - Parameter isAccountsOwn: the leak is known to be of the entry's own account, also when every value is refused by now,
  ///   or none can be judged.
  /// - Throws: what the provider said of the last value that it does not know.
  public func subject(of leak: Leak, isAccountsOwn: Bool = false) async throws(CapabilityError) -> Subject {
    var unknown: CapabilityError?
    for value in leak.values {
      do throws(CapabilityError) {
        // The others beside it: what leaked may have several parts (a session's secret and its token).
        let others = leak.values.filter { !$0.isSame(as: value) }
        return try await identify(
          Leak(kind: leak.kind, handle: leak.handle, values: [value] + others, fields: leak.fields))
      } catch {
        // Whose it is need not be asked then.
        let isKnown = isAccountsOwn && account != nil && error.class == .network
        guard error.class == .notFound || isKnown else { throw error }
        unknown = error
      }
    }
    if leak.values.isEmpty, leak.handle != nil {
      do throws(CapabilityError) { return try await identify(leak) } catch {
        guard error.class == .notFound else { throw error }
        unknown = error
      }
    }
    if isAccountsOwn, let account { return try await subject(account) }
    throw unknown
      ?? CapabilityError(
        .invalid, "identify", because: "neither a value nor an id of the leak is known",
        fix: "give one: --secret env:NAME or --id ID")
  }

  /// ``disable(_:leak:replacedBy:under:)`` at every place; each is tried, whatever became of the others.
  public func disable(
    _ subject: Subject, leak: Leak, replacedBy: CredentialRef?, under authority: borrowing ExecutionAuthority
  ) async -> [RefResult] {
    var results: [RefResult] = []
    for ref in subject.refs {
      do throws(CapabilityError) {
        try await disable(ref, leak: leak, replacedBy: replacedBy, under: authority)
        results.append(RefResult(ref))
      } catch { results.append(RefResult(ref, problem: error)) }
    }
    return results
  }

  /// ``endSessions(_:before:under:)`` at every place. - Throws: after all were tried.
  public func endSessions(_ subject: Subject, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    var (found, ended, left) = (0, 0, 0)
    var results: [RefResult] = []
    for ref in subject.refs {
      do throws(CapabilityError) {
        let count = try await endSessions(ref, before: before, under: authority)
        found += count.found
        ended += count.ended
        left += count.left
        results.append(RefResult(ref))
      } catch { results.append(RefResult(ref, problem: error)) }
    }
    try results.check("end sessions of \(subject.identity)")
    return SessionCount(found: found, ended: ended, left: left)
  }

  /// ``verify(_:ref:)`` at every place of `subject`.
  public func verify(_ secret: Secret, of subject: Subject) async throws(CapabilityError) -> CredentialProbe {
    guard subject.refs.count > 1 else { return try await verifyMeaning(secret, ref: subject.refs.first) }
    var places: [(place: String, probe: CredentialProbe)] = []
    var failure: CapabilityError?
    // Every place is asked: one that accepts must not hide behind one that cannot be asked.
    for ref in subject.refs {
      do throws(CapabilityError) {
        places.append((ref.rawValue, try await verifyMeaning(secret, ref: ref)))
      } catch { failure = failure ?? error }
    }
    let verdict = CredentialProbe.verdict(at: places)
    if let failure, verdict.state != .alive { throw failure }
    return verdict
  }
}

extension CredentialProvider {
  /// ``identify(_:)`` of a value: the credential's name as a whole.
  public func identify(_ secret: Secret) async throws(CapabilityError) -> CredentialRef {
    try await identify(Leak(secret)).identity
  }
}
