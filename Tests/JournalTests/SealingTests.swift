import Capabilities
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Secrets
import TestSupport
import Testing

@Suite struct SealingTests {
  let value = "pg-" + "Sup3rS3cret" + "-value"

  @Test func aSealedValueOpensAgainAlsoAfterReopening() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(
      [NewEvent(.stepOutcome, run: "run-1", ["step": "a"])],
      sealing: Sealing(["new": Secret(value)], under: .run("run-1"), purpose: "outcome"))
    #expect(try journal.events().map(\.kind) == [.secretSealed, .stepOutcome])
    #expect(try journal.open("new").exposeAsText() == value)
    try journal.close()
    #expect(try rig.open().open("new").exposeAsText() == value)
  }

  @Test func aSecretStandsInNoFileOfTheStateDirectory() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.seal(["new": Secret(value)], under: .run("run-1"), purpose: "test")
    try journal.append(.noted, ["text": .string("somebody pasted \(value) here"), "\(value)": 1])
    for name in try FileManager.default.contentsOfDirectory(atPath: rig.state.path) {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: rig.state.path + "/" + name))
      #expect(bytes.range(of: Data(value.utf8)) == nil, "\(name)")
    }
    #expect(try journal.events(kinds: [.noted])[0].body["text"]?.string?.contains(Redactor.mark) == true)
    #expect(try journal.verify().problem == nil)
  }

  @Test func aDestroyedKeyMakesItsValuesUnreadableForGood() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.seal(["new": Secret(value)], under: .run("run-1"), purpose: "test")
    try journal.seal(["leaked": Secret(value)], under: .incident("inc-1"), purpose: "leaked")
    let wrapped = try DatabaseQueue(path: rig.path).read {
      try Data.fetchOne($0, sql: "SELECT wrapped FROM sealing_keys WHERE scope = 'run-1'")
    }
    try journal.destroyKey(of: .run("run-1"), run: "run-1")
    try journal.destroyKey(of: .run("run-1"), run: "run-1")
    #expect(throws: JournalError.self) { try journal.open("new") }
    #expect(try journal.open("leaked").exposeAsText() == value)
    #expect(try journal.events(kinds: [.keyDestroyed]).count == 1)
    #expect(throws: JournalError.self) {
      try journal.seal(["more": Secret(value)], under: .run("run-1"), purpose: "test")
    }
    let remains = try #require(wrapped)
    for name in ["", "-wal"] {
      let bytes = FileManager.default.contents(atPath: rig.path + name) ?? Data()
      #expect(bytes.range(of: remains) == nil, "the wrapped key still stands in the file\(name)")
    }
  }

  @Test func aBoxThatWasMovedToAnotherNameDoesNotOpen() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.seal(
      ["one": Secret(value), "two": Secret("other-value")], under: .run("run-1"), purpose: "test")
    try journal.close()
    try rig.tamper("UPDATE sealed SET box = (SELECT box FROM sealed WHERE ref = 'one') WHERE ref = 'two'")
    #expect { try rig.open().open("two") } throws: { ($0 as? JournalError)?.code == .unsealable }
  }

  @Test func anotherRunCannotReplaceASealedValue() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.seal(["new": Secret(value)], under: .run("run-1"), purpose: "test")
    #expect { try journal.seal(["new": Secret("x-other")], under: .run("run-2"), purpose: "test") } throws: {
      ($0 as? JournalError)?.code == .invalid
    }
    #expect(try journal.open("new").exposeAsText() == value)
  }

  @Test func withAnotherOperatorKeyNothingOpens() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.seal(["new": Secret(value)], under: .run("run-1"), purpose: "test")
    try journal.close()
    let keys = JournalKeys(
      identity: try rig.state.identity(), operatorKey: SealingKey(id: "operator"))
    #expect { try Journal.open(path: rig.path, keys: keys).open("new") } throws: {
      ($0 as? JournalError)?.code == .unsealable
    }
  }
}

/// A process that did not see the value arrive.
@Suite struct KnownValuesTests {
  private let value = FakeSecrets.value("openai_api_key")

  @Test func `text that holds a value sealed by an earlier process is clean in the journal`() throws {
    let rig = try JournalRig()
    let first = try rig.open()
    try first.seal(["leaked": Secret(value)], under: .incident("inc-1"), purpose: "leaked")
    try first.seal(["gone": Secret("another-" + value)], under: .run("run-1"), purpose: "issued")
    try first.destroyKey(of: .run("run-1"))
    try first.close()

    let redactor = Redactor()
    let journal = try rig.open(JournalSettings(redactor: redactor))
    #expect(journal.valuesUnknownToRedactor == 0)
    try journal.append(.noted, ["text": .string("it is \(value), I believe")])
    try journal.append(
      .incidentUpdated, incident: "inc-1", ["locations": [["path": .string("\(value).txt")]]])
    let bodies = try journal.events(kinds: [.noted, .incidentUpdated]).map(\.body.canonicalText)
    #expect(bodies.count == 2)
    for body in bodies { #expect(!body.contains(value) && body.contains(Redactor.mark)) }
  }

  @Test func `a sealed value that looks like a word does not come back as a file's name`() throws {
    let word = "hunter2" + "hunter2xx"
    let rig = try JournalRig()
    let first = try rig.open()
    try first.seal(["leaked": Secret(word)], under: .incident("inc-1"), purpose: "leaked")
    try first.close()
    let journal = try rig.open(JournalSettings(redactor: Redactor()))
    let event = try journal.append(
      .incidentOpened, incident: "inc-2",
      ["locations": [["path": .string("\(word)/a.py"), "rule": .string(word), "key": .string(word)]]])
    let location = event.body["locations"]?.array?.first
    #expect(location?["path"] == "[REDACTED]/a.py")
    #expect(location?["rule"] == "[REDACTED]")
    // An id is looked up again.
    #expect(location?["key"] == .string(word))
  }

  @Test func `a value that does not open is counted, and the journal opens all the same`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.seal(["leaked": Secret(value)], under: .incident("inc-1"), purpose: "leaked")
    try journal.close()
    try rig.tamper("UPDATE sealed SET box = zeroblob(length(box))")
    #expect(try rig.open().valuesUnknownToRedactor == 1)
  }
}
