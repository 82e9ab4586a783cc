import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import ResponseSupport
import TestSupport
import Testing

@testable import Commands
@testable import Response
@testable import Worker

/// What cannot be read is never the good answer.
@Suite struct FailClosedTests {
  private static let waiting = "steps: [{id: one, manual: Do it, timeout: 1h}]"
  /// Without a program: how long one takes is the machine's.
  private static let running = "steps: [{id: one, approve: {by: [responder], within: 1h}}]"

  /// A worker's rig with one incident and one plan of a playbook with these steps.
  private struct Site {
    let rig: WorkerRig
    let incident: IncidentID
    let plan: Plan

    init(_ steps: String) async throws {
      let directory = try TemporaryDirectory()
      let playbooks = directory.path("playbooks")
      try FileManager.default.createDirectory(atPath: playbooks, withIntermediateDirectories: true)
      try "playbook: 1\nid: look\ntitle: Look\ninputs: {incident: {type: incident}}\n\(steps)\n".write(
        toFile: playbooks + "/look.yaml", atomically: true, encoding: .utf8)
      rig = try WorkerRig(in: directory, playbooks: playbooks)
      incident = "inc-00000001"
      try rig.installation.journal.append(
        .incidentOpened, incident: incident, ["kind": "postgres_uri", "codename": "x"])
      let playbook = try rig.installation.library.load("look", catalogue: ActionSignature.builtin)
      plan = try await PlanMaker(installation: rig.installation).plan(
        playbook, inputs: ["incident": .incident(incident)], incident: incident)
    }

    var session: RunSession {
      var session = RunSession(
        installation: rig.installation, console: rig.assembly.console, isJSON: false)
      session.approvesGates = true
      return session
    }

    func run() async throws -> Commands.ExitStatus {
      try await session.approveAndRun(plan, mode: .live, approval: plan.digest.rawValue)
    }

    /// As somebody with the file would: past the journal's own rules.
    func damage(_ statement: String) async throws {
      let script = """
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1])
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute("DROP TRIGGER " + name)
        db.execute(sys.argv[2])
        db.commit()
        """
      try await Program.run(
        ["python3", "-c", script, rig.directory.path("state/journal.sqlite"), statement],
        in: rig.directory.path)
    }
  }

  @Test func `a journal that cannot be read when a run ends is not "not alive"`() async throws {
    let site = try await Site(Self.running)
    #expect(try await site.run() == .done)
    try await site.damage(
      "UPDATE events SET kind = 'no.such' WHERE incident = 'inc-00000001' AND run IS NULL")
    let error = await #expect(throws: JournalError.self) {
      try await site.session.resume(site.plan, mode: .live)
    }
    #expect(error?.code == .corrupt)
  }

  @Test func `a run whose plan is damaged is not "no run is open"`() async throws {
    let site = try await Site(Self.waiting)
    #expect(try await site.run() == .waiting)
    try await site.damage("UPDATE plans SET document = replace(document, '\"one\"', '\"two\"')")
    let error = #expect(throws: ExecutionError.self) { try site.rig.installation.openPlan(nil) }
    #expect(error?.code == .plan)
    let named = #expect(throws: ExecutionError.self) {
      try site.rig.installation.openPlan(site.plan.run.rawValue)
    }
    #expect(named?.because.contains("damaged") == true)
  }

  @Test func `a draft is not made as if a damaged plan had never been there`() async throws {
    let site = try await Site(Self.waiting)
    #expect(try await site.run() == .waiting)
    _ = try site.rig.installation.postMortems.redraft(site.incident, earlier: nil)
    try await site.damage("UPDATE plans SET document = replace(document, '\"one\"', '\"two\"')")
    let error = #expect(throws: CapabilityError.self) {
      try site.rig.installation.postMortems.redraft(site.incident, earlier: nil)
    }
    #expect(error?.because.contains("damaged") == true)
  }
}
