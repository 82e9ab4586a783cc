import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import ResponseSupport
import Secrets
import TestSupport
import Testing

@testable import Execution
@testable import Response

/// What an incident's plans say about its next one.
@Suite struct EarlierPlansTests {
  private struct Site {
    let rig: WorkerRig
    var journal: Journal { rig.installation.journal }

    init() throws { rig = try WorkerRig() }

    /// A plan that is saved, and whose run waits.
    func save(_ name: String, of incident: IncidentID, playbook: PlaybookID) throws -> Plan {
      let plan = Plan(
        id: PlanID("plan-\(name)"), run: RunID("run-\(name)"), incident: incident, created: rig.clock.now,
        playbook: playbook, pins: [:], inputs: [:], locks: [], steps: [])
      try plan.save(in: journal)
      try journal.append(.runStarted, run: plan.run, incident: incident, ["mode": "live"])
      try journal.append(.runEnded, run: plan.run, incident: incident, ["state": "waiting"])
      return plan
    }

    func open() throws -> IncidentID {
      try journal.append(.incidentOpened, incident: "inc-1", ["kind": "openai_api_key"])
      return "inc-1"
    }
  }

  @Test(arguments: [true, false])
  func `a drift that was foreseen stops its own step alone, so the plan is not over`(isForeseen: Bool) throws
  {
    let site = try Site()
    let incident = try site.open()
    let plan = try site.save("1", of: incident, playbook: "mine")
    var drift: [String: JSONValue] = ["step": "rewrite", "what": "refs", "expected": [], "found": ["b"]]
    if isForeseen { drift["foreseen"] = true }
    try site.journal.append(.driftFound, run: plan.run, incident: incident, .object(drift))
    let standing = try EarlierPlans(of: incident, in: site.journal).standing(of: "mine")?.plan.id
    #expect(standing == (isForeseen ? plan.id : nil))
  }

  /// The same each time: the second one brings nothing.
  private func report(to site: Site) throws -> IncidentDesk.Entry {
    var finding = Finding(
      source: .manual, kind: "generic_password", detector: Detector(rule: "r"), observedAt: site.rig.clock.now
    )
    finding.secret = Secret("made-up-" + "value-27182818")
    finding.location = Location(
      .file, repository: RepositoryRef(name: "acme/app"), path: "a.env", startLine: 1)
    let key = FingerprintKey(SecretBytes(copying: Array(repeating: 1, count: 32)))
    let incidents = IncidentGrouping.group([finding], key: key, now: site.rig.clock.now)
    return try #require(try IncidentDesk(journal: site.journal).record(incidents).first)
  }

  @Test
  func `a report without news is answered by a run of its route's playbook, and by no other playbook's run`()
    async throws
  {
    let site = try Site()
    let maker = PlanMaker(installation: site.rig.installation)
    func planned() async throws -> Plan? {
      let entry = try report(to: site)
      guard case .planned(let plan) = try await maker.plan(entry, credential: nil) else { return nil }
      return plan
    }
    let first = try #require(try await planned())
    let incident = try #require(first.incident)
    let look = try site.save("look", of: incident, playbook: "look-only")
    let own = try #require(try await planned())
    #expect(own.id != look.id)
    #expect(own.playbook == first.playbook)

    try site.journal.append(.runStarted, run: own.run, incident: incident, ["mode": "live"])
    try site.journal.append(.runEnded, run: own.run, incident: incident, ["state": "waiting"])
    _ = try site.save("another-look", of: incident, playbook: "look-only")
    #expect(try await planned()?.id == own.id, "its run goes on, whatever else was looked at")
  }
}
