package import Capabilities
package import Incidents
package import Secrets
package import StaunchConfiguration

/// Whose a leak is, asked of the providers of its kind: kind and repository alone cannot tell two credentials of one kind
/// apart. Read only.
package struct IdentityMatch {
  package enum Answer: Equatable {
    /// One provider knows it.
    case one(CredentialName)
    /// Several do: a person says which is meant.
    case several([CredentialName])
    /// Each was asked and knows it not.
    case none([CredentialName])
    /// Nobody knows it, and some could not be asked.
    case undecided([CredentialName: String])
  }

  package let configuration: Configuration
  package let targets: Targets

  /// The entries for leaks of this kind, by name: those whose provider the table of kinds gives it, and those that say so
  /// (`leaks:`).
  package func entries(for incident: Incident) -> [CredentialName] {
    let kinds = [incident.kind] + incident.alternatives
    let providers = Set(kinds.compactMap { KindTable.builtin.row(of: $0)?.provider })
    return configuration.credentials.filter { _, entry in
      providers.contains(entry.target.kind) || !Set(entry.leaks).isDisjoint(with: kinds)
    }.keys.sorted()
  }

  /// Those of them that the leak itself does not contradict.
  package func candidates(for incident: Incident) -> [CredentialName] {
    let fit = LeakFit(configuration: configuration)
    return entries(for: incident).filter {
      fit.contradiction(kind: incident.kind, handle: incident.handle, $0) == nil
    }
  }

  /// Asks each candidate for each value; a value that one of them knows decides for it.
  package func answer(for incident: Incident, values: [Secret]) async -> Answer {
    var known: [CredentialName] = []
    var strangers: [CredentialName] = []
    var unanswered: [CredentialName: String] = [:]
    for name in candidates(for: incident) {
      do throws(CapabilityError) {
        let provider = try targets.credential(name).provider
        _ = try await provider.subject(
          of: Leak(kind: incident.kind, handle: incident.handle, values: values))
        known.append(name)
      } catch {
        switch error.class {
        case .notFound: strangers.append(name)
        // The runner logs in with it, or several look alike: it is this one's all the same.
        case .unsafe, .conflict: known.append(name)
        default: unanswered[name] = error.because
        }
      }
    }
    if known.count > 1 { return .several(known) }
    if let only = known.first { return .one(only) }
    return unanswered.isEmpty ? .none(strangers) : .undecided(unanswered)
  }
}
