package import Capabilities
import CredentialProviders
package import Incidents
package import StaunchConfiguration

/// Chooses the route of an incident: the first of staunch.yaml whose conditions all hold, else the one that is built in.
package struct Routing {
  /// What is to be done about an incident.
  package enum Choice {
    case route(Configuration.Route)
    /// A route would fit but for its credential: a person says which one leaked.
    case misfit(Configuration.Route, LeakFit.Contradiction)
  }

  package let configuration: Configuration

  package init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// - Parameter named: the credential that a person says it is.
  package func choice(for incident: Incident, _ named: CredentialName? = nil) -> Choice {
    if let route = route(for: incident) { return .route(route) }
    if let misfit = misfit(for: incident) { return .misfit(misfit.route, misfit.contradiction) }
    return .route(standard(for: incident, named))
  }

  /// Without a route: the rotation where staunch.yaml has an entry that the leak may be of and whose replacement has a place, by
  /// the playbook of its provider; else the guided steps, which need nothing but the incident.
  private func standard(for incident: Incident, _ named: CredentialName?) -> Configuration.Route {
    let names =
      named.map { [$0] }
      ?? IdentityMatch(configuration: configuration, targets: Targets()).candidates(for: incident)
    let entries = names.map { configuration.credentials[$0] }
    let isRotated =
      !entries.isEmpty
      && entries.allSatisfy { $0?.store != nil && !configuration.guidedKinds.contains($0?.target.kind ?? "") }
    guard isRotated else { return Self.guided }
    let playbooks = Set(entries.map { $0.flatMap { Self.playbooks[$0.target.kind] } })
    // Entries of several providers may be meant: the steps that fit any of them.
    guard playbooks.count == 1, let own = playbooks.first ?? nil else { return Self.rotation }
    return .standard(own)
  }

  /// Providers whose order of steps is another than the general one, or that leave more behind, by the `kind` of their entries.
  package static let playbooks: [String: PlaybookID] = [
    "aws_iam": "aws-access-key", "azure_storage_key": "azure-storage-key",
    "gcp_service_account_key": "gcp-service-account-key", "github": "github-token", "gitlab": "gitlab-token",
    "openai": "openai-api-key", "slack": "slack-token", "ssh_key": "ssh-key", "vault": "vault-token",
  ]
  /// For a kind that any other provider of staunch.yaml rotates.
  package static let rotation = Configuration.Route.standard("rotate-leaked-credential")
  /// For every other kind: a person does the provider's part.
  package static let guided = Configuration.Route.standard("generic-secret")

  /// The line that staunch.yaml lacks for staunch to rotate what the built-in route leaves to a person; nil: none, or there
  /// is no such provider.
  ///
  /// - Parameter asked: entries that might have been meant, and whose providers do not know it.
  /// - Throws: `.configuration` when the built-in file of the provider cannot be read.
  package func missingEntry(for incident: Incident, asked: [CredentialName] = []) throws(CapabilityError)
    -> String?
  {
    guard case .route(let route) = choice(for: incident), route.isStandard,
      let provider = KindTable.builtin.row(of: incident.kind)?.provider,
      try Self.rotates(provider), !configuration.guidedKinds.contains(provider),
      !asked.isEmpty
        || IdentityMatch(configuration: configuration, targets: Targets()).candidates(for: incident).isEmpty
    else { return nil }
    return try ReadyEntry(
      kind: incident.kind, handle: incident.handle, taken: Set(configuration.credentials.keys)
    ).line()
  }

  /// Whether staunch has this provider, and it makes or stops a credential by itself.
  private static func rotates(_ provider: String) throws(CapabilityError) -> Bool {
    if CredentialProviderRegistry.settings[provider] != nil { return true }
    return try DescribedProviders.builtin.entry(of: provider).map { !$0.isGuided } ?? false
  }

  /// The route of staunch.yaml, or nil. A route to a credential that the leak cannot be of is passed over.
  package func route(for incident: Incident) -> Configuration.Route? {
    candidates(for: incident).first { contradiction($0, incident) == nil }
  }

  /// The first route that would fit but for its credential, and how that differs from what the leak says of itself.
  package func misfit(for incident: Incident) -> (
    route: Configuration.Route, contradiction: LeakFit.Contradiction
  )? {
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
