import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import TestSupport
import Testing

@testable import Commands
@testable import Response
@testable import Worker

/// What is done by hand asks for the same people as a plan.
@Suite struct ByHandTests {
  private func assembly(_ policy: String, in directory: TemporaryDirectory) throws -> Assembly {
    let file = directory.path("staunch.yaml")
    try "staunch: 1\n\(policy)\n".write(toFile: file, atomically: true, encoding: .utf8)
    var assembly = Assembly(options: Assembly.Options(config: file, quiet: true, noInput: true))
    assembly.statePath = directory.path("state")
    return assembly
  }

  private func begin(_ assembly: Assembly) async throws -> DirectRun {
    try await DirectRun.begin(
      "credential.disable", target: "db", lock: "test/db", name: "db", document: ["what": "disable"],
      confirmation: "db", in: assembly
    ) { _ in .unknown(reason: "nothing was begun before") }
  }

  @Test(arguments: [
    "policy: {approvals: {minimum: 2}}", "policy: {approvals: {roles: [duty-officer]}}",
    "policy: {approvals: {not_initiator: true}}",
  ])
  func `where the policy asks for more than the operator's own word, nothing is begun by hand`(
    _ policy: String
  ) async throws {
    let directory = try TemporaryDirectory()
    defer { withExtendedLifetime(directory) {} }
    let assembly = try assembly(policy, in: directory)
    let failure = await #expect(throws: Refusal.self) { try await begin(assembly) }
    #expect(failure?.kind == .declined)
    #expect(try assembly.journal().events().isEmpty)
  }

  @Test(arguments: [
    "policy: {approvals: {minimum: 1}}", "policy: {approvals: {roles: [repository-admin]}}", "",
  ])
  func `where it does not, the operator's word is enough, in the role that the policy names`(_ policy: String)
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { withExtendedLifetime(directory) {} }
    let assembly = try assembly(policy, in: directory)
    let run = try await begin(assembly)
    let word = try #require(try run.journal.events(kinds: [.planApproved]).first)
    #expect(word.body["role"]?.string == (policy.contains("repository") ? "repository-admin" : "responder"))
  }

  @Test func `a storm is released and a step done again only by whoever may approve plans`() throws {
    let strict = SkipRule(
      installation: try WorkerRig("policy: {approvals: {roles: [duty-officer]}}").installation)
    for role: RoleName in ["responder", "repository-admin", "duty-officer"] {
      #expect(strict.problem(decidingIn: role) != nil, "\(role)")
    }
    let open = SkipRule(installation: try WorkerRig().installation)
    #expect(open.problem(decidingIn: "responder") == nil)
    #expect(open.problem(decidingIn: "onlooker") != nil)
  }
}
