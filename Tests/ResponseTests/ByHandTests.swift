import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import ResponseSupport
import StaunchConfiguration
import TestSupport
import Testing

@testable import Response

/// What is done by hand asks for the same people as a plan.
@Suite struct ByHandTests {
  private struct Site {
    let directory: TemporaryDirectory
    let state: StateDirectory
    let policy: Configuration.Policy

    /// - Parameter policy: a line of staunch.yaml.
    init(_ policy: String) throws {
      directory = try TemporaryDirectory()
      state = try StateDirectory(directory.path("state"))
      self.policy = try ConfigurationReader.read(
        "staunch: 1\n\(policy)\n", file: "staunch.yaml", directory: directory.path, catalogue: .real
      ).policy
    }

    func journal() throws -> Journal { try Journal.open(path: state.journalPath, keys: try state.keys()) }

    func carryOut() async throws {
      _ = try await DirectRun.carryOut(
        "credential.disable", target: "db", lock: "test/db", document: ["what": "disable"],
        by: try DirectRun.Hand(
          state: state, policy: policy, now: Date(), toolVersion: "test",
          voice: QuietVoice(), journal: { try journal() }, compareTickets: { _ in })
      ) { _ in
        .unknown(reason: "nothing was begun before")
      } perform: { _, _ in
        1
      } outputs: {
        .integer($0)
      }
    }
  }

  @Test(arguments: [
    "policy: {approvals: {minimum: 2}}", "policy: {approvals: {roles: [duty-officer]}}",
    "policy: {approvals: {not_initiator: true}}",
  ])
  func `where the policy asks for more than the operator's own word, nothing is begun by hand`(
    _ policy: String
  ) async throws {
    let site = try Site(policy)
    let failure = await #expect(throws: Refusal.self) { try await site.carryOut() }
    #expect(failure?.kind == .declined)
    #expect(try site.journal().events().isEmpty)
  }

  @Test(arguments: [
    "policy: {approvals: {minimum: 1}}", "policy: {approvals: {roles: [repository-admin]}}", "",
  ])
  func `where it does not, the operator's word is enough, in the role that the policy names`(_ policy: String)
    async throws
  {
    let site = try Site(policy)
    try await site.carryOut()
    let word = try #require(try site.journal().events(kinds: [.planApproved]).first)
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
