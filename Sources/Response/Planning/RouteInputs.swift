import Capabilities
package import Incidents
package import Playbooks
package import StaunchConfiguration

/// What a route of staunch.yaml has to name for its playbook.
package enum RouteInputs {
  /// What comes with every incident, may be an empty list, or has a built-in one.
  private static let given: Set<String> = ["incident", "leaked", "consumers", "repositories", "tracker"]

  /// Inputs that the playbook needs and neither the route nor its credential's target names.
  package static func missing(
    _ playbook: Playbook, _ route: Configuration.Route, _ configuration: Configuration
  )
    -> [InputDeclaration]
  {
    let target = route.credential.flatMap { configuration.credentials[$0] }
    var named = given
    if route.credential != nil { named.insert("credential") }
    if (route.store ?? target?.store) != nil { named.insert("store") }
    if route.credential == nil {
      // The leak's identity names the credential, and with it its store.
      let possible = candidates(of: route, configuration)
      if !possible.isEmpty { named.insert("credential") }
      if !possible.isEmpty, possible.allSatisfy({ $0.store != nil }) { named.insert("store") }
    }
    return playbook.inputs.filter { $0.defaultValue == nil && !named.contains($0.name) }
  }

  /// The entries that a leak of the route's kinds may be of.
  private static func candidates(of route: Configuration.Route, _ configuration: Configuration)
    -> [Configuration.Credential]
  {
    let kinds = route.kinds.map { CredentialKind($0) }
    let providers = Set(kinds.compactMap { KindTable.builtin.row(of: $0)?.provider })
    return configuration.credentials.values.filter {
      kinds.isEmpty || providers.contains($0.target.kind) || !Set($0.leaks).isDisjoint(with: kinds)
    }
  }

  /// The missing ones in words: why the route cannot plan, and what to write.
  package static func problem(
    _ playbook: Playbook, _ route: Configuration.Route, _ configuration: Configuration
  ) -> (
    because: String, fix: String
  )? {
    let missing = missing(playbook, route, configuration)
    guard !missing.isEmpty else { return nil }
    let settable = missing.map(\.name).filter { ["credential", "store"].contains($0) }
    let because =
      "the playbook \(playbook.id) needs \(list(missing.map(\.name))), and the route at \(route.position) names none"
    guard settable.count == missing.count else {
      return (
        because,
        "plan it yourself with staunch plan \(playbook.id) and an --input for each of \(list(missing.map(\.name)))"
      )
    }
    return (because, "add to that route: " + settable.map { "\($0): NAME" }.joined(separator: ", "))
  }

  private static func list(_ names: [String]) -> String {
    names.map { "\"\($0)\"" }.joined(separator: " and ")
  }
}
