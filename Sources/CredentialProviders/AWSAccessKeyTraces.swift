public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient

// What was done with a key: by CloudTrail, and by IAM's own lists.
extension AWSAccessKey {
  var trail: AWSTrail { AWSTrail(client: client, further: settings.regions) }

  /// - Throws: also when not all that CloudTrail has could be read: a role that the key took may stand in the rest.
  func sessions(of ref: CredentialRef, since: Date) async throws(CapabilityError) -> [AWSTrail.Session] {
    let found = try await trail.events(of: ref.rawValue, since: since)
    guard found.covered != nil else {
      throw CapabilityError(
        .invalid, "cloudtrail:LookupEvents",
        because: "not every event of the key could be read: nobody can say which roles it took",
        fix:
          "look there by hand; the sessions of user \(settings.user) and of the roles of the entry are ended")
    }
    return found.events.compactMap(AWSTrail.session)
  }

  /// The user's other keys, by IAM's list; what the key, its sessions and the keys that they made have made, by CloudTrail.
  /// Without CloudTrail nobody can say that this is all.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    var found: [Successors.Successor] = []
    for key in try await keys() where key.ref != ref && !memory.isOwn(key.ref) {
      guard since.map({ since in key.created.map { $0 >= since } ?? true }) ?? true else { continue }
      found.append(.init(key.ref, what: "access key of user \(settings.user)", made: key.created))
    }
    let made = try await trail.made(by: ref.rawValue, of: "user \(settings.user)", since: since)
    let listed = Set(found.map(\.ref))
    return Successors(
      found + made.found.filter { !listed.contains($0.ref) }, covered: made.covered)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    try await trail.abuse(of: ref.rawValue, since: since, expected: expected)
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = [
      "owner": .string("user \(settings.user)"),
      "survives": .string(
        "sessions of the key and of roles that it took (up to 36 hours), and every key, user, role, login profile and policy that it made"
      ),
    ]
    let key = try await keys().first { $0.ref == ref }
    facts["status"] = .string(key.map { $0.isActive ? "Active" : "Inactive" } ?? "deleted")
    facts["created"] = key?.created.map { .string(Timestamp.text($0)) }
    let used = try await client.answer(.iam, "GetAccessKeyLastUsed", [("AccessKeyId", ref.rawValue)])
    if let failure = client.failure(of: used, .iam, "GetAccessKeyLastUsed", changes: false) {
      guard failure.class == .notFound || failure.class == .refused else { throw failure }
      facts["last_used"] = "unknown"
      return CredentialFacts(facts)
    }
    let last = AWSElement(parsing: used.response.body)?["GetAccessKeyLastUsedResult"]?["AccessKeyLastUsed"]
    facts["last_used"] =
      last?["LastUsedDate"]?.text.isEmpty == false
      ? last?["LastUsedDate"].map { .string($0.text) }
      : "never, as far as IAM keeps it"
    return CredentialFacts(facts)
  }
}
