package import Capabilities
package import StaunchConfiguration
package import Foundation
package import Incidents
package import Playbooks

/// Answers `inputs.credential.lock` and the other attributes that expressions may ask for (``TargetAttributes``).
package struct TargetFacts: AttributeSource {
  package let configuration: Configuration
  package let targets: Targets
  package let incidents: [IncidentID: IncidentFacts]

  /// What expressions may know about an incident.
  package struct IncidentFacts: Sendable {
    package let codename: String
    package let kind: CredentialKind
    package let severity: Severity
    /// The first commit with the secret, by its claimed date; nil when none is known. The moment of the detection would not
    /// do instead: it is after the exposure.
    package let firstSeen: Date?
    package let detected: Date
  }

  package func attribute(_ name: String, of target: Value) -> Value? {
    switch target {
    case .credential(let credential): attribute(name, of: credential)
    case .store(let store): named(name, store.rawValue, configuration.stores[store]?.kind)
    case .consumer(let consumer): named(name, consumer.rawValue, configuration.consumers[consumer]?.kind)
    case .tracker(let tracker):
      if name == "is_public" {
        targets.trackers[tracker].map { .boolean($0.isPublic) }
      } else {
        named(name, tracker.rawValue, configuration.trackers[tracker]?.kind)
      }
    case .repository(let repository): attribute(name, of: repository)
    case .incident(let incident): attribute(name, of: incident)
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .list, .record:
      nil
    }
  }

  private func named(_ attribute: String, _ name: String, _ kind: String?) -> Value? {
    switch attribute {
    case "name": .string(name)
    case "kind": kind.map { .string($0) }
    default: nil  // no such attribute: the checker refused it already
    }
  }

  private func attribute(_ attribute: String, of name: CredentialName) -> Value? {
    guard let provider = targets.credentials[name]?.provider else { return nil }
    let able = provider.capabilities
    switch attribute {
    case "lock": return .string(provider.lock)
    case "overlap": return .string(able.overlap.rawValue)
    case "disable": return .string(able.disable.rawValue)
    case "sessions": return .string(able.sessions.rawValue)
    case "issuing": return .string(able.issuing.rawValue)
    case "authority": return .string(able.authority.rawValue)
    default: return named(attribute, name.rawValue, configuration.credentials[name]?.target.kind)
    }
  }

  private func attribute(_ attribute: String, of name: RepositoryName) -> Value? {
    guard let repository = configuration.repositories[name] else { return nil }
    switch attribute {
    case "path": return .string(repository.path)
    case "remote": return repository.remote.map { .string($0) } ?? .null
    default: return named(attribute, name.rawValue, "git")
    }
  }

  private func attribute(_ attribute: String, of id: IncidentID) -> Value? {
    guard let facts = incidents[id] else { return attribute == "id" ? .string(id.rawValue) : nil }
    switch attribute {
    case "id": return .string(id.rawValue)
    case "codename": return .string(facts.codename)
    case "kind": return .string(facts.kind.rawValue)
    case "severity": return .string(facts.severity.rawValue)
    case "first_seen": return facts.firstSeen.map { .timestamp($0) } ?? .null
    case "detected": return .timestamp(facts.detected)
    default: return nil  // no such attribute: the checker refused it already
    }
  }
}
