public import Capabilities

/// Which rights the runner's own key has, as IAM's simulator says: a right each, on what it is needed for.
///
/// The simulator knows the policies of the runner, not those of resources and of the organisation: a yes may still be refused.
/// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
public struct AWSRights: Sendable {
  /// Rights on one thing.
  public struct Need: Sendable {
    let resource: String
    let actions: [String]
    public init(_ resource: String, _ actions: String...) {
      self.resource = resource
      self.actions = actions
    }
  }

  let client: AWSClient

  public init(client: AWSClient) { self.client = client }

  /// The principal whose policies count: of a session its role. Nil: the account's root.
  func principal() async throws(CapabilityError) -> String? {
    guard let arn = try await client.get(.sts, "GetCallerIdentity")["Arn"]?.text else {
      throw CapabilityError(.invalid, "sts:GetCallerIdentity", because: "the answer names nobody")
    }
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 6 else {
      throw CapabilityError(.invalid, "sts:GetCallerIdentity", because: "the answer is no ARN")
    }
    if parts[5] == "root" { return nil }
    guard parts[2] == "sts", parts[5].hasPrefix("assumed-role/") else { return arn }
    let role = String(parts[5].split(separator: "/")[1])
    // Its path stands in no session's ARN.
    do throws(CapabilityError) {
      if let whole = try await client.get(.iam, "GetRole", [("RoleName", role)])["Role"]?["Arn"]?.text {
        return whole
      }
    } catch {
      guard error.class == .refused else { throw error }
    }
    return "arn:\(parts[1]):iam::\(parts[4]):role/\(role)"
  }

  /// - Parameter excess: rights that no run needs: having one is said.
  public func readiness(_ needs: [Need], excess: [String]) async -> [Readiness] {
    do throws(CapabilityError) {
      guard let principal = try await principal() else {
        return [
          Readiness(
            "least privilege",
            .missing(
              because: "the runner's key is the account's root: it may do everything",
              fix: "make a user or role of its own with: "
                + needs.flatMap { need in need.actions.map { "\($0) on \(need.resource)" } }
                .joined(separator: ", ")))
        ]
      }
      var found: [Readiness] = []
      for need in needs {
        let denied = try await denied(need.actions, on: need.resource, principal)
        for action in need.actions {
          found.append(
            Readiness(
              action,
              denied.contains(action)
                ? .missing(
                  because: "\(principal) may not do it on \(need.resource)",
                  fix: "grant \(action) on \(need.resource)") : .ready("allowed on \(need.resource)")))
        }
      }
      let denied = try await denied(excess, on: "*", principal)
      let more = excess.filter { !denied.contains($0) }
      if !more.isEmpty {
        found.append(
          Readiness(
            "least privilege",
            .missing(
              because: "\(principal) may do more than a run needs: \(more.joined(separator: ", "))",
              fix: "give the runner only the rights above")))
      }
      return found
    } catch {
      guard error.class == .refused, error.operation == "iam:SimulatePrincipalPolicy" else {
        return [Readiness("rights", error)]
      }
      return [
        Readiness(
          "rights",
          .unknown(
            because:
              "IAM's simulator may not be asked: grant iam:SimulatePrincipalPolicy on the runner itself")
        )
      ]
    }
  }

  /// Which of `actions` a principal may not do. - Parameter principal: the ARN of a user or role.
  public func denied(_ actions: [String], on resource: String, _ principal: String)
    async throws(CapabilityError) -> Set<String>
  {
    var fields: AWSClient.Fields = [("PolicySourceArn", principal), ("ResourceArns.member.1", resource)]
    for (index, action) in actions.enumerated() { fields.append(("ActionNames.member.\(index + 1)", action)) }
    let told = try await client.get(.iam, "SimulatePrincipalPolicy", fields)
    let allowed = told.members("EvaluationResults").filter { $0["EvalDecision"]?.text == "allowed" }
      .compactMap { $0["EvalActionName"]?.text }
    return Set(actions).subtracting(allowed)
  }
}
