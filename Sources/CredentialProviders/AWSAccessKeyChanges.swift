public import Capabilities
import Incidents
import JSON
import RESTClient
public import Secrets

// Making a key, stopping one, and taking it away.
extension AWSAccessKey {
  public func existing() async throws(CapabilityError) -> [CredentialRef] { try await keys().map(\.ref) }

  public func slots() async throws(CapabilityError) -> Slots? {
    Slots(limit: Self.limit, taken: try await keys().map(\.ref))
  }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  /// IAM gives no names: what is new since `before` was made meanwhile.
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    try await existing().filter { !before.contains($0) }
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "iam:CreateAccessKey"
    let taken = try await keys()
    guard taken.count < Self.limit else {
      let both = taken.map { "\($0.ref) (\($0.isActive ? "active" : "inactive"))" }.joined(separator: ", ")
      throw CapabilityError(
        .conflict, operation, because: "user \(settings.user) has two keys already, AWS's limit: \(both)",
        fix: "delete the one that nobody uses (aws iam get-access-key-last-used --access-key-id ID tells), "
          + "or see who made it; then: staunch resume")
    }
    let made = try await client.change(
      .iam, "CreateAccessKey", [("UserName", settings.user)], under: authority)["AccessKey"]
    guard let id = made?["AccessKeyId"]?.text, Self.isID(id),
      let secret = made?["SecretAccessKey"]?.text, !secret.isEmpty
    else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "a key was made, and the answer does not hold it whole")
    }
    let ref = CredentialRef(id)
    let material = try Material(shape, ["access_key_id": Secret(id), "secret_access_key": Secret(secret)])
    memory.keep(material.primary, ref, isOwn: true)
    return IssuedCredential(ref: ref, material: material)
  }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "disable \(ref)", because: "it is the replacement itself")
    }
    if let check = sessionCheck, let value = leak.value, memory.ref(of: value) ?? ref == ref {
      await memory.witness.open(
        from: AWSKeys(accessKeyID: ref.rawValue, secretAccessKey: value), check, over: client,
        under: authority)
    }
    do throws(CapabilityError) {
      try await client.change(
        .iam, "UpdateAccessKey",
        [("UserName", settings.user), ("AccessKeyId", ref.rawValue), ("Status", "Inactive")],
        under: authority)
    } catch {
      switch error.class {
      case .notFound: try await requireGone(ref, "iam:UpdateAccessKey")
      case .unknownOutcome:
        guard try await keys().contains(where: { $0.ref == ref && !$0.isActive }) else { throw error }
      default: throw error
      }
    }
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    do throws(CapabilityError) {
      try await client.change(
        .iam, "DeleteAccessKey", [("UserName", settings.user), ("AccessKeyId", ref.rawValue)],
        under: authority)
    } catch {
      switch error.class {
      case .notFound: try await requireGone(ref, "iam:DeleteAccessKey")
      case .unknownOutcome:
        guard try await !keys().contains(where: { $0.ref == ref }) else { throw error }
      default: throw error
      }
    }
  }

  /// That the user has no such key says nothing while another one has it: its holder may have renamed the user.
  private func requireGone(_ ref: CredentialRef, _ operation: String) async throws(CapabilityError) {
    guard let owner = try await owner(of: ref) else { return }
    throw CapabilityError(
      .conflict, operation,
      because: "\(ref) is no key of user \(settings.user), and IAM has it for "
        + (Self.isName(owner) ? "user \(owner)" : "a user of another name") + ": it may have been renamed",
      fix: "see who renamed it; correct user in staunch.yaml, then plan anew")
  }
}
