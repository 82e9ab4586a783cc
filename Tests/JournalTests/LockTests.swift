import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Synchronization
import Testing

@Suite struct LockTests {
  let me = LockOwner.current
  var other: LockOwner { LockOwner(host: me.host, boot: me.boot, pid: 999_999, started: "1") }

  private func journal(_ rig: JournalRig, alive: Bool) throws -> Journal {
    try rig.open(JournalSettings(isAlive: { _ in alive }))
  }

  @Test func twoRunsOnOneCredentialExcludeEachOther() throws {
    let rig = try JournalRig()
    let journal = try journal(rig, alive: true)
    _ = try journal.takeLocks(["pg"], for: Tenure(run: "run-1", owner: me), incident: nil)
    #expect {
      _ = try journal.takeLocks(["other", "pg"], for: Tenure(run: "run-2", owner: other), incident: nil)
    } throws: { error in
      let error = error as? JournalError
      return error?.code == .locked && error?.because.contains("run-1") == true
    }
    #expect(try journal.locks().map(\.name) == ["pg", "run/run-1"], "all or none")
  }

  @Test func aSecondProcessMayNotExecuteARunThatLives() throws {
    let rig = try JournalRig()
    let journal = try journal(rig, alive: true)
    _ = try journal.takeLocks(["pg"], for: Tenure(run: "run-1", owner: other), incident: nil)
    #expect(throws: JournalError.self) {
      _ = try journal.takeLocks(["pg"], for: Tenure(run: "run-1", owner: me), incident: nil)
    }
  }

  @Test func aCrashedOwnerIsStaleAndItsRunCanBeTakenUp() throws {
    let rig = try JournalRig()
    let journal = try journal(rig, alive: false)
    _ = try journal.takeLocks(["pg"], for: Tenure(run: "run-1", owner: other), incident: nil)
    #expect(try journal.locks().map(\.state) == [.stale, .stale])
    _ = try journal.takeLocks(["pg"], for: Tenure(run: "run-1", owner: me), incident: nil)
    #expect(try journal.locks().map(\.owner) == [me, me])
  }

  @Test func aTakeOverNeedsAReasonAndFencesTheOldOwnerOff() throws {
    let rig = try JournalRig()
    let journal = try journal(rig, alive: true)
    let old = Tenure(run: "run-1", owner: other)
    let new = Tenure(run: "run-1", owner: me)
    _ = try journal.takeLocks(["pg"], for: old, incident: nil)
    let events = try journal.takeLocks(
      ["pg"], for: new, incident: nil, takingOverBecause: "the laptop is gone")
    #expect(events[0].body["reason"] == "the laptop is gone")
    try journal.append([NewEvent(.noted, run: "run-1", ["text": "mine"])], under: new)
    #expect { try journal.append([NewEvent(.noted, run: "run-1", ["text": "late"])], under: old) } throws: {
      ($0 as? JournalError)?.code == .superseded
    }
    #expect(throws: JournalError.self) { try journal.renewLocks(of: old) }
    #expect(throws: JournalError.self) {
      _ = try journal.leave(old, incident: nil, releasing: true, with: [])
    }
    #expect(try journal.events(kinds: [.noted]).count == 1)
  }

  @Test func aWaitingRunKeepsItsTargetsAndAnEndedOneFreesThem() throws {
    let rig = try JournalRig()
    let journal = try journal(rig, alive: true)
    let tenure = Tenure(run: "run-1", owner: me)
    _ = try journal.takeLocks(["pg"], for: tenure, incident: nil)
    _ = try journal.leave(tenure, incident: nil, releasing: false, with: [])
    #expect(try journal.locks().map(\.state) == [.waiting, .waiting])
    #expect {
      _ = try journal.takeLocks(["pg"], for: Tenure(run: "run-2", owner: me), incident: nil)
    } throws: {
      ($0 as? JournalError)?.fix?.contains("staunch abort run-1") == true
    }
    _ = try journal.takeLocks(["pg"], for: tenure, incident: nil)
    _ = try journal.leave(tenure, incident: nil, releasing: true, with: [])
    #expect(try journal.locks().isEmpty)
  }

  @Test func anOwnerOnAnotherMachineLivesAsLongAsItsLease() throws {
    let rig = try JournalRig()
    let now = Mutex(Date(timeIntervalSince1970: 1_795_489_200))
    let journal = try rig.open(
      JournalSettings(now: { now.withLock { $0 } }, isAlive: { $0.isAliveHere }, lease: .seconds(60)))
    let far = Tenure(run: "run-1", owner: LockOwner(host: "far.example", boot: "b", pid: 7, started: "7"))
    _ = try journal.takeLocks(["pg"], for: far, incident: nil)
    now.withLock { $0 += 59 }
    #expect(try journal.locks().first?.state == .running)
    try journal.renewLocks(of: far)
    now.withLock { $0 += 59 }
    #expect(try journal.locks().first?.state == .running)
    now.withLock { $0 += 2 }
    #expect(try journal.locks().first?.state == .stale)
  }

  @Test func thisProcessIsAliveAndAReusedProcessNumberIsNot() {
    #expect(me.isAliveHere)
    #expect(!LockOwner(host: me.host, boot: me.boot, pid: me.pid, started: "0").isAliveHere)
    #expect(!LockOwner(host: me.host, boot: "another boot", pid: me.pid, started: me.started).isAliveHere)
  }
}
