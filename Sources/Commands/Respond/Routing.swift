import Capabilities
import StaunchConfiguration
import Incidents

/// Chooses the route of an incident: the first of staunch.yaml whose conditions all hold.
struct Routing {
  let configuration: Configuration

  /// The route, or nil: then the incident is only recorded. A route to a credential that the leak cannot be of is passed
  /// over.
  func route(for incident: Incident) -> Configuration.Route? {
    candidates(for: incident).first { contradiction($0, incident) == nil }
  }

  /// The first route that would fit but for its credential, and how that differs from what the leak says of itself.
  func misfit(for incident: Incident) -> (route: Configuration.Route, contradiction: LeakFit.Contradiction)? {
    candidates(for: incident).lazy.compactMap { route in
      contradiction(route, incident).map { (route, $0) }
    }.first
  }

  private func contradiction(_ route: Configuration.Route, _ incident: Incident) -> LeakFit.Contradiction? {
    route.credential.flatMap {
      LeakFit(configuration: configuration).contradiction(kind: incident.kind, handle: incident.handle, $0)
    }
  }

  private func candidates(for incident: Incident) -> [Configuration.Route] {
    configuration.routes.filter { route in
      (route.kinds.isEmpty || kinds(of: incident).contains { route.kinds.contains($0) })
        && (route.repositories.isEmpty || incident.repositories.contains { matches($0, route.repositories) })
        && (route.sources.isEmpty || incident.sources.contains { route.sources.contains($0.rawValue) })
        && (route.validities.isEmpty || route.validities.contains(incident.validity.rawValue))
    }
  }

  /// An uncertain kind counts as each that it may be, the likeliest first.
  private func kinds(of incident: Incident) -> [String] {
    [incident.kind.rawValue] + incident.alternatives.map(\.rawValue)
  }

  /// Names compare without case and with or without their owner.
  private func matches(_ repository: String, _ names: [String]) -> Bool {
    names.contains { name in
      repository.lowercased() == name.lowercased()
        || repository.lowercased().hasSuffix("/" + name.lowercased())
    }
  }
}
