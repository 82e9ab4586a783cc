import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

/// On a real OpenLDAP server with a password policy, through TLS; the runner has the documented rights, and no others.
@Suite struct LDAPUserTests {
  private let server: SlapdServer

  init() async throws { server = try await SlapdServer.shared() }

  @Test func `a search that is open outlives the password, and that is said`() async throws {
    let entry = try await server.makeEntry()
    let provider = try server.provider(of: entry.dn)
    let search = try server.watch(entry.dn, entry.password)
    let issued = try await provider.issue(
      IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    let dead = try await provider.verify(entry.password, ref: nil)
    #expect(dead.state == .dead)
    #expect(dead.code == "49 invalidCredentials")
    #expect(dead.evidence?.controls == 2, "the runner's own login before and after")
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
    // The trap: whoever was bound before reads on.
    try await server.change(
      "dn: \(entry.dn)\nchangetype: modify\nreplace: description\ndescription: written-after\n")
    try await search.sees("written-after")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef(entry.dn), before: Date(), under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.because.contains("a connection that is bound stays so") == true)
  }

  /// The threat: wrong passwords lock the account, and the right one is refused with the same code.
  @Test func `a locked account is no death of its password`() async throws {
    let entry = try await server.makeEntry()
    let provider = try server.provider(of: entry.dn)
    try await server.refuse(entry.dn, times: 6)
    let probe = try await provider.verify(entry.password, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.isRefused)
    #expect(probe.code == "49, but the entry is locked, and every password is refused")
    #expect(try await provider.inspect(CredentialRef(entry.dn)).facts["is_locked"] == true)
    // Without any password it is dead, locked or not.
    try await provider.disable(
      CredentialRef(entry.dn), leak: Leak(entry.password), replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(entry.password, ref: nil).state == .dead)
  }

  @Test func `a verdict costs one refusal at each server`() async throws {
    let entry = try await server.makeEntry()
    let provider = try server.provider(of: entry.dn)
    #expect(try await provider.verify(Secret("another"), ref: nil).state == .dead)
    #expect(try await server.values("pwdFailureTime", of: entry.dn).count == 1)
  }

  /// The threat: a second value of userPassword, which the holder has added.
  @Test func `a new password replaces every one that the entry has`() async throws {
    let entry = try await server.makeEntry()
    let provider = try server.provider(of: entry.dn)
    try await server.change(
      "dn: \(entry.dn)\nchangetype: modify\nadd: userPassword\nuserPassword: added-by-its-holder\n")
    #expect(try await provider.verify(Secret("added-by-its-holder"), ref: nil).state == .alive)
    _ = try await provider.issue(
      IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    #expect(try await provider.verify(Secret("added-by-its-holder"), ref: nil).state == .dead)
    #expect(try await server.values("userPassword:", of: entry.dn).count <= 1)
  }

  @Test func `an entry that there is not, an empty password and a server that is not believed`() async throws
  {
    let entry = try await server.makeEntry()
    let gone = try server.provider(of: entry.dn.replacing("uid=", with: "uid=not-"))
    #expect(try await gone.verify(entry.password, ref: nil).code == "32 no such entry")
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await gone.issue(IssueOrder(marker: "it", generated: try gone.generate()), under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(try await server.provider(of: entry.dn).verify(Secret(""), ref: nil).state == .unknown)
    let strange = try server.provider(of: entry.dn, ["tls_ca": .string(server.certificate)])
    let probe = try await strange.verify(entry.password, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.hasPrefix("network"))
  }

  @Test func `StartTLS is asked for before anything is sent, and a plain connection is refused`() async throws
  {
    let entry = try await server.makeEntry()
    let servers: JSONValue = [.string(server.plainURL)]
    let provider = try server.provider(of: entry.dn, ["servers": servers, "start_tls": "on"])
    #expect(try await provider.verify(entry.password, ref: nil) == CredentialProbe(.alive, code: "0 success"))
    let error = #expect(throws: CapabilityError.self) {
      try server.provider(of: entry.dn, ["servers": servers])
    }
    #expect(error?.class == .configuration)
    #expect(error?.because.contains("for everybody to read") == true)
  }

  @Test func `doctor says who the runner is and what nobody can see`() async throws {
    let entry = try await server.makeEntry()
    let ready = await (try server.provider(of: entry.dn)).readiness()
    #expect(ready.map(\.what) == ["read at \(server.url)", "write on userPassword", "lock after refusals"])
    if case .ready("dn:cn=runner,dc=example,dc=org")? = ready.first?.verdict {
    } else {
      Issue.record("\(ready)")
    }
  }
}

@Suite struct LDAPUserContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(LDAPUserFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(LDAPUserFixture.self)
  }
}

private struct LDAPUserFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try await SlapdServer.shared()
    let entry = try await server.makeEntry()
    return Self(provider: try server.provider(of: entry.dn), leak: Leak(entry.password, handle: entry.dn))
  }
}

extension SlapdServer {
  fileprivate func provider(of dn: String, _ more: [String: JSONValue] = [:]) throws -> any CredentialProvider
  {
    let settings: [String: JSONValue] = [
      "servers": [.string(url)], "dn": .string(dn), "tls_ca": .string(authority),
      "tls_certificate": .string(certificate), "tls_key": .string(key),
    ]
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "directory", kind: "ldap", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 })))
  }
}
