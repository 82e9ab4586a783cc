import Capabilities
import StaunchConfiguration
import Incidents

/// Chooses the route of an incident: the first of staunch.yaml whose conditions all hold.
struct Routing {
  let configuration: Configuration

  /// The route, or nil: then the incident is only recorded.
  func route(for incident: Incident) -> Configuration.Route? {
    configuration.routes.first { route in
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
