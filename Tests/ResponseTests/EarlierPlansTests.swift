import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import ResponseSupport
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
    let standing = try EarlierPlans(of: incident, in: site.journal).standing()?.plan.id
    #expect(standing == (isForeseen ? plan.id : nil))
  }
}
