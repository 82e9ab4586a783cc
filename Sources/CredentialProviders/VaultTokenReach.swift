public import Capabilities
public import Foundation
import JSON
import RESTClient

// What a token reaches, what lives on when it is revoked, and what the runner's own token needs.
extension VaultToken {
  /// By its policies; stores of staunch.yaml spell the same documents alike. What else it opens (a database whose logins it
  /// leases) nobody can say here.
  public func reach(_ ref: CredentialRef) async throws(CapabilityError) -> Reach {
    guard let token = try await lookUp(ref) else { return .unknown }
    let place = "vault:\(settings.base)/" + (settings.namespace.map { $0 + "/" } ?? "")
    guard !token.policies.contains("root") else {
      return Reach(
        [Reach.Grant(.read, place + "*"), Reach.Grant(.change, place + "*")], isComplete: false)
    }
    var rules: [VaultPolicy] = []
    for name in token.policies {
      let answer = try await vault.api.answer("/v1/sys/policies/acl/\(RESTClient.escaped(name))")
      // One that may not be read, or is gone by now, tells nothing.
      if answer.status == 403 || answer.status == 404 { continue }
      let json = try vault.checked(answer, "GET sys/policies/acl/\(name)")
      rules.append(VaultPolicy(json["data"]?["policy"]?.string ?? ""))
    }
    return Reach(VaultPolicy.grants(of: rules, at: place), isComplete: false)
  }

  /// Orphan tokens made since then. The server does not keep who made one, so all of them are named, each with whether the
  /// leaked one has the right to make such. Users, roles and secret ids that it may have made are not among them.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    let token = try await lookUp(ref)
    let since = since ?? token?.made ?? .distantPast
    let runner = try await own().accessor
    let tokens = try await lookUp(all: try await existing(), to: "find orphan tokens")
    let orphans = tokens.filter { made in
      made.isOrphan && made.path.hasPrefix("auth/token/create") && made.accessor != ref.rawValue
        && made.accessor != runner && (made.made.map { $0 >= since.addingTimeInterval(-1) } ?? true)
    }
    var allowed: Set<String>?
    if token != nil { allowed = try await pathsOpen(to: ref, among: Set(orphans.map(\.path))) }
    return Successors(
      orphans.map { made in
        let right =
          switch allowed?.contains(made.path) {
          case true?: ", which the leaked one may use"
          case false?: ", which the leaked one may not use now"
          case nil: ""
          }
        return Successors.Successor(
          CredentialRef(made.accessor),
          what: "orphan token with \(made.policies.joined(separator: ", ")), made at \(made.path)\(right)",
          made: made.made)
      }, covered: nil)
  }

  /// Nil: nobody can say.
  private func pathsOpen(to ref: CredentialRef, among paths: Set<String>) async throws(CapabilityError)
    -> Set<String>?
  {
    guard !paths.isEmpty else { return [] }
    let answer = try await vault.api.ask(
      "/v1/sys/capabilities-accessor",
      ["accessor": .string(ref.rawValue), "paths": .array(paths.sorted().map { .string($0) })],
      readOnlyBecause: "it tells what a token may do")
    guard vault.failure(of: answer, "POST sys/capabilities-accessor", changes: false) == nil else {
      return nil
    }
    let told = try vault.api.json(answer, "POST sys/capabilities-accessor")["data"]
    return paths.filter { path in
      let has = told?[path]?.array?.compactMap(\.string) ?? []
      return has.contains { ["create", "update", "sudo", "root"].contains($0) }
    }
  }

  public func readiness() async -> [Readiness] {
    let issuing: VaultClient.Need
    if let role = settings.role {
      issuing = VaultClient.Need("issuing", "auth/token/create/\(role)", "update")
    } else {
      issuing = VaultClient.Need("issuing", "auth/token/create-orphan", "update", "sudo")
    }
    let found = await vault.readiness([
      .init("looking a value up", "auth/token/lookup", "update"),
      .init("looking an accessor up", "auth/token/lookup-accessor", "update"),
      .init("revoking", "auth/token/revoke-accessor", "update"),
      .init("finding orphans", "auth/token/accessors/", "list", "sudo"), issuing,
      .init("reach", "sys/policies/acl/*", "read"),
      .init("rights of a leaked token", "sys/capabilities-accessor", "update"),
    ])
    do throws(CapabilityError) {
      let runner = try await own()
      return found + Self.lasting(runner)
    } catch { return found + [Readiness("the runner's token", error)] }
  }

  /// Whether the runner's token outlives an incident: one that ends in the middle can neither revoke nor prove.
  private static func lasting(_ own: Token) -> [Readiness] {
    var found: [Readiness] = []
    let what = "the runner's token"
    if let life = own.seconds("ttl"), life < 86_400 {
      found.append(
        Readiness(
          what,
          .missing(
            because: "it ends in \(life / 60) minutes",
            fix: own.json["renewable"]?.boolean == true
              ? "vault token renew, by a timer of its own"
              : "give it one that is periodic: -period=24h -orphan")))
    }
    if !own.isOrphan, !own.policies.contains("root") {
      found.append(
        Readiness(
          what,
          .unknown(because: "it is another token's child, and ends if that one is what leaks and is revoked"))
      )
    }
    return found
  }
}
