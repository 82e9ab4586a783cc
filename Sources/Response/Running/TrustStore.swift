package import Capabilities
package import Incidents
package import Journal
package import StaunchConfiguration

/// Who may approve: what the state directory holds, and nothing else. Not staunch.yaml: it often lies in the very repository that
/// leaked. Only here does a key become one whose signature counts.
package struct TrustStore: Sendable {
  /// The roles of the operator's own key.
  package static let ownRoles: [RoleName] = ["responder", "repository-admin"]
  private let state: StateDirectory

  package init(_ state: StateDirectory) { self.state = state }

  /// The operator's own key in every role, and the people of `people.trust.json`.
  ///
  /// - Parameter policy: says which of them the operator is; nil: there is no staunch.yaml.
  package func people(_ policy: Configuration.Policy?) throws -> [ApproverIdentity] {
    let own = try ApproverIdentity(
      rawKey: try state.identity().publicKey, roles: Set(Self.ownRoles), person: policy?.localPerson ?? "")
    return try [own] + TrustedPerson.identities(state.path + "/people.trust.json")
  }

  /// The key that a policy signs with. It covers these actions and nothing else.
  package func policy(_ actions: Set<String>) throws -> ApproverIdentity {
    try ApproverIdentity(
      rawKey: try state.policyIdentity().publicKey, roles: [Installation.policyRole], actions: actions)
  }
}
