import Incidents
import JSON
import Journal
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// In one report each incident is contained before any history is rewritten.
@Suite struct HeldHistoryTests {
  @Test func `runs of one delivery hold back each other's history until each is past its containment`() throws
  {
    let rig = try WorkerRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = rig.installation.journal
    var held = HeldHistory()
    held.hold(["run-1": ["a"], "run-2": ["a"], "run-3": ["b"], "run-4": []])
    #expect(held.runs == ["run-1", "run-2"])
    try journal.append(.runStarted, run: "run-2", ["mode": "live"])
    var isFree = try held.isFree("run-1", in: journal)
    #expect(!isFree)
    try journal.append(.runEnded, run: "run-2", ["state": "failed"])
    isFree = try held.isFree("run-1", in: journal)
    #expect(!isFree, "nobody knows how far a failed run came")
    try journal.append(.runResumed, run: "run-2", ["reason": "test"])
    try journal.append(.stepWaiting, run: "run-2", ["step": "go", "for": "approval"])
    try journal.append(.runEnded, run: "run-2", ["state": "waiting"])
    isFree = try held.isFree("run-1", in: journal)
    #expect(!isFree, "it waits before its containment")
    try journal.append(.runResumed, run: "run-2", ["reason": "test"])
    try journal.append(.stepWaiting, run: "run-2", ["step": "rewrite", "for": "containment"])
    try journal.append(.runEnded, run: "run-2", ["state": "waiting"])
    isFree = try held.isFree("run-1", in: journal)
    #expect(isFree)
    #expect(held.runs == ["run-2"])
  }
}
