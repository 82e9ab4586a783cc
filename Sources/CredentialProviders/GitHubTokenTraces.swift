public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient

// What a token was, what was done with it, and what outlives it.
extension GitHubToken {
  /// What outlives it, in the words of GitHub's documentation.
  static let survivors =
    "SSH keys and deploy keys that its holder made, apps that they installed and those apps' installation tokens, webhooks, "
    + "runners and workflows: remove each"

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": "unknown", "survives": .string(Self.survivors)]
    guard let seen = memory[ref] else { return CredentialFacts(facts) }
    // The owner's id, never a name: people stay out of journals.
    if let user = seen.user { facts["owner"] = .string("user \(user)") }
    facts["scopes"] = seen.scopes.map { .array($0.map { .string($0) }) }
    facts["expires"] = seen.expiry.map { .string($0) }
    return CredentialFacts(facts)
  }

  /// The audit log names each call of a token by its hash. GitHub keeps it for a time that it does not tell here, and without
  /// most reads, so nothing in it means nothing.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let phrase = "hashed_token:\"\(ref.rawValue.dropFirst(Self.mark.count))\""
    var findings: [String] = []
    if let reader = reader() {
      for name in settings.organizations {
        let path =
          "/orgs/\(RESTClient.escaped(name))/audit-log?include=all&phrase=\(RESTClient.escaped(phrase))"
        do throws(CapabilityError) {
          let events = try await reader.pages(path, by: .number, first: 1)
          let all = events.compactMap { $0["@timestamp"]?.integer }
            .map { Date(timeIntervalSince1970: Double($0) / 1000) }
          let times = all.filter { $0 >= since ?? .distantPast }.sorted()
          guard let first = times.first, let last = times.last else {
            findings.append("no event of it in the audit log of \(name)")
            continue
          }
          findings.append(
            "\(times.count == 100 ? "100 or more" : "\(times.count)") events of it in the audit log of \(name), "
              + "from \(Timestamp.text(first)) to \(Timestamp.text(last))")
        } catch { findings.append("the audit log of \(name) was not read: \(error.because)") }
      }
    }
    if findings.isEmpty { findings.append("search the audit log of each organisation for \(phrase)") }
    return AbuseReport(seen: nil, covered: nil, findings: findings)
  }

  /// SSH keys of its user, deploy keys of `repositories`, installations of `organizations`. There may be more elsewhere.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    guard let reader = reader() else { return .unknown }
    var found: [Successors.Successor] = []
    func add(_ elements: [JSONValue], _ kind: String, _ what: String) {
      for element in elements {
        guard let id = element["id"]?.integer else { continue }
        let made = element["created_at"]?.string.flatMap(Timestamp.date)
        if let since, let made, made < since { continue }
        found.append(.init(CredentialRef("\(kind)/\(id)"), what: what, made: made))
      }
    }
    let user = try await reader.get("/user")["id"]?.integer
    if let user, memory[ref]?.user ?? user == user {
      add(try await reader.pages("/user/keys", by: .number), "key", "SSH key of user \(user)")
    }
    for name in settings.repositories {
      guard let path = Self.path(ofRepository: name) else { continue }
      add(try await reader.pages(path + "/keys", by: .number), "deploy-key", "deploy key of \(name)")
    }
    for name in settings.organizations {
      add(try await Self.installations(name, reader), "installation", "app installation of \(name)")
    }
    return Successors(found, covered: nil)
  }
}
