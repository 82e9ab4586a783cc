import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// Messages that do not arrive: what a run says about them, the command that sends them, and that nothing waits for them.
/// The real binary against a ticket system on loopback that answers as told.
@Suite struct UndeliveredTests {
  /// An incident whose playbook opens a ticket and then stops the secret (touches a file).
  private struct Desk {
    let incident: PlannedIncident
    let tracker: LoopbackServer
    var binary: StaunchBinary { incident.binary }

    init(_ answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply) async throws {
      let directory = try TemporaryDirectory()
      tracker = try LoopbackServer(answer)
      try "signing-".appending("secret-of-the-test").write(
        toFile: directory.path("signing"), atomically: true, encoding: .utf8)
      incident = try await PlannedIncident(
        in: directory, value: "made-up-" + "value-31415926",
        configuration: """
          staunch: 1
          trackers:
            desk: {kind: standard-webhooks, url: "\(tracker.url)/hook", secret: "file:\(directory.path("signing"))"}
          routes:
            - {when: {kind: generic_password}, playbook: tell, tracker: desk}

          """,
        steps: [
          "{id: ticket, uses: ticket.open, with: {tracker: \"${{ inputs.tracker }}\", title: A leak}}",
          "{id: stop, uses: command.run, with: {argv: [touch, \"\(directory.path("stopped"))\"]}}",
        ])
    }

    func run() async throws -> (outcome: StaunchBinary.Outcome, end: JSONValue) {
      let outcome = try await incident.run(["--json"])
      let last = outcome.output.split(separator: "\n").last.map(String.init) ?? "null"
      return (outcome, try JSONDecoder().decode(JSONValue.self, from: Data(last.utf8)))
    }
  }

  private final class Switch: Sendable {
    private let state = Mutex(false)
    var isOn: Bool {
      get { state.withLock { $0 } }
      set { state.withLock { $0 = newValue } }
    }
  }

  @Test func `a run whose message was refused exits with 12, lists it, and ticket send sends it`()
    async throws
  {
    let isOpen = Switch()
    let desk = try await Desk { _ in .json(isOpen.isOn ? 204 : 410, "") }
    let (outcome, end) = try await desk.run()
    #expect(outcome.status == 12, "\(outcome.errors) \(outcome.output)")
    let left = try #require(end["undelivered"]?.array)
    #expect(left.map { $0["state"]?.string } == ["dead"])
    #expect(left.first?["tracker"] == "desk")
    #expect(left.first?["reason"]?.string?.contains("410") == true)
    let status = try await desk.binary.run(["status"])
    #expect(status.output.contains("1 undelivered: staunch ticket send"), "\(status.output)")
    // Still closed: one more try, and it is still said.
    let refused = try await desk.binary.run(["ticket", "send"])
    #expect(refused.status == 12)
    #expect(refused.output.contains("410"), "\(refused.output)")
    isOpen.isOn = true
    let sent = try await desk.binary.run(["ticket", "send", "--json"])
    #expect(sent.status == 0, "\(sent.errors)")
    #expect(sent.output.contains("\"undelivered\":[]"))
    #expect(try await desk.binary.run(["ticket", "list"]).status == 0)
    #expect(desk.tracker.requests.count == 3)
  }

  @Test func `what a person dropped is no longer undelivered, anywhere`() async throws {
    let desk = try await Desk { _ in .json(410, "") }
    let (outcome, end) = try await desk.run()
    #expect(outcome.status == 12)
    let id = try #require(end["undelivered"]?.array?.first?["id"]?.string)
    #expect(try await desk.binary.run(["ticket", "drop", id, "--reason", "told by phone"]).status == 0)
    #expect(try await desk.binary.run(["ticket", "list"]).status == 0)
    #expect(try await desk.binary.run(["ticket", "send"]).status == 0)
    let status = try await desk.binary.run(["status"])
    #expect(!status.output.contains("undelivered"), "\(status.output)")
    #expect(try await desk.binary.run(["ticket", "list", "--all"]).output.contains("dropped"))
    #expect(desk.tracker.requests.count == 1)
  }

  @Test func `a tracker that never answers holds containment up by two seconds, and hears of it afterwards`()
    async throws
  {
    let isFirst = Mutex(true)
    let desk = try await Desk { _ in
      let isFirst = isFirst.withLock { first in
        defer { first = false }
        return first
      }
      return isFirst ? .silence : .json(204, "")
    }
    let (outcome, end) = try await desk.run()
    #expect(outcome.status == 0, "\(outcome.errors) \(outcome.output)")
    #expect(end["undelivered"]?.array == [])
    let events = try outcome.output.split(separator: "\n").map {
      try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8))
    }
    func moment(_ event: String, _ step: String) -> Date? {
      events.first { $0["event"]?.string == event && $0["body"]?["step"]?.string == step }?["at"]?.string
        .flatMap {
          try? Date($0, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
        }
    }
    let asked = try #require(moment("step.intent", "ticket"))
    let stopped = try #require(moment("step.intent", "stop"))
    // A tracker's own limit is 20 seconds.
    #expect(stopped.timeIntervalSince(asked) < 10)
    #expect(desk.tracker.requests.count == 2)
  }
}
