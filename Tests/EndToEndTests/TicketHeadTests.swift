import Foundation
import JSON
import TestSupport
import Testing

/// An older copy of the whole state directory agrees with itself; its tickets know better. The real binary; GitHub is a
/// simulation.
@Suite struct TicketHeadTests {
  /// An incident whose playbook opens a ticket and then stops the secret (touches a file).
  private struct Desk {
    let incident: PlannedIncident
    let tracker: GitHubSimulation
    var directory: TemporaryDirectory { incident.directory }
    var binary: StaunchBinary { incident.binary }
    var stopped: String { directory.path("stopped") }

    init() async throws {
      let directory = try TemporaryDirectory()
      tracker = try GitHubSimulation()
      try tracker.token.write(toFile: directory.path("token"), atomically: true, encoding: .utf8)
      incident = try await PlannedIncident(
        in: directory, value: "made-up-" + "value-27182818",
        configuration: """
          staunch: 1
          trackers:
            desk:
              kind: github-issues
              repository: \(tracker.repository)
              token: "file:\(directory.path("token"))"
              base_url: "\(tracker.url)"
              public: false
          routes:
            - {when: {kind: generic_password}, playbook: tell, tracker: desk}

          """,
        steps: [
          "{id: ticket, uses: ticket.open, with: {tracker: \"${{ inputs.tracker }}\", title: A leak}}",
          "{id: stop, uses: command.run, with: {argv: [touch, \"\(directory.path("stopped"))\"]}}",
          "{id: told, uses: ticket.update, with: {tracker: \"${{ inputs.tracker }}\"}}",
        ])
    }

    func run(_ more: String...) async throws -> StaunchBinary.Outcome { try await incident.run(more) }

    func copyState(to name: String) async throws {
      try await Program.run(["cp", "-a", incident.state, name], in: directory.path)
    }

    func restoreState(from name: String) async throws {
      try await Program.run(["rm", "-r", incident.state], in: directory.path)
      try await Program.run(["cp", "-a", name, incident.state], in: directory.path)
    }
  }

  @Test func `An older copy of the state directory does not run again what its ticket knows of`() async throws
  {
    let desk = try await Desk()
    try await desk.copyState(to: "before")
    let first = try await desk.run()
    #expect(first.status == 0, "\(first.errors) \(first.output)")
    #expect(FileManager.default.fileExists(atPath: desk.stopped))
    #expect(desk.tracker.issues.first?.body.contains("<!-- staunch head 1 ") == true)
    let verified = try await desk.binary.run(["journal", "verify", "--tickets"])
    #expect(verified.status == 0, "\(verified.errors)")
    #expect(verified.errors.contains("2 heads compared, all in the journal"), "\(verified.errors)")

    try await desk.restoreState(from: "before")
    try FileManager.default.removeItem(atPath: desk.stopped)
    let again = try await desk.run()
    #expect(again.status == 69, "\(again.errors) \(again.output)")
    #expect(again.errors.contains("acme/incidents#1"), "\(again.errors)")
    #expect(again.errors.contains("staunch journal accept"), "\(again.errors)")
    #expect(!FileManager.default.fileExists(atPath: desk.stopped))
    // It stands: nothing else takes effect, and people see it.
    #expect(try await desk.binary.run(["note", "x"]).status == 69)
    #expect(try await desk.binary.run(["status"]).output.contains("THE JOURNAL IS NOT THE ONE THAT WAS LEFT"))
    #expect(try await desk.binary.run(["doctor"]).output.contains("acme/incidents#1"))
    #expect(try await desk.binary.run(["journal", "verify"]).status == 1)

    #expect(try await desk.binary.run(["journal", "accept", "--reason", "I looked at the desk"]).status == 0)
    let accepted = try await desk.run()
    #expect(accepted.status == 0, "\(accepted.errors) \(accepted.output)")
    #expect(FileManager.default.fileExists(atPath: desk.stopped))
    #expect(try await desk.binary.run(["journal", "verify", "--tickets"]).status == 0)
  }

  @Test func `By hand, an older copy of the state directory rewrites what its ticket knows of`() async throws
  {
    let desk = try await Desk()
    try await desk.copyState(to: "before")
    #expect(try await desk.run().status == 0)
    let repository = desk.directory.path("app")
    try FileManager.default.createDirectory(atPath: repository, withIntermediateDirectories: true)
    func git(_ arguments: String...) async throws -> String {
      try await Program.run(
        ["git", "-c", "user.name=D", "-c", "user.email=d@acme.example"] + arguments, in: repository)
    }
    _ = try await git("init", "-q", "-b", "main")
    try "made-up-value-31415926\n".write(toFile: repository + "/a.txt", atomically: true, encoding: .utf8)
    _ = try await git("add", ".")
    _ = try await git("commit", "-q", "-m", "Begin")
    let head = try await git("rev-parse", "HEAD")
    try "made-up-value-31415926\n".write(
      toFile: desk.directory.path("values"), atomically: true, encoding: .utf8)
    let rewrite = [
      "history", "rewrite", "--repository", repository, "--replace-text", "values", "--live", "--confirm",
      "app",
    ]

    try await desk.restoreState(from: "before")
    let refused = try await desk.binary.run(rewrite)
    #expect(refused.status == 69, "\(refused.errors) \(refused.output)")
    #expect(refused.errors.contains("acme/incidents#1"), "\(refused.errors)")
    #expect(try await git("rev-parse", "HEAD") == head)

    #expect(try await desk.binary.run(["journal", "accept", "--reason", "I looked at the desk"]).status == 0)
    desk.tracker.fallSilent(until: { false })
    let done = try await desk.binary.run(rewrite)
    #expect(done.status == 0, "\(done.errors) \(done.output)")
    #expect(done.errors.contains("the journal was not compared with the tickets at desk"), "\(done.errors)")
    #expect(try await git("rev-parse", "HEAD") != head)
  }

  @Test func `A tracker that does not answer is said to be not compared, and does not hold containment up`()
    async throws
  {
    let desk = try await Desk()
    // Neither the comparison nor the step's own message is answered; both messages go when the run is over.
    let stopped = desk.stopped
    desk.tracker.fallSilent(until: { FileManager.default.fileExists(atPath: stopped) })
    let outcome = try await desk.run("--json")
    #expect(outcome.status == 0, "\(outcome.errors) \(outcome.output)")
    #expect(desk.tracker.issues.map(\.comments.count) == [1])
    #expect(
      outcome.errors.contains("the journal was not compared with the tickets at desk"), "\(outcome.errors)")
    #expect(outcome.errors.contains("it did not answer within 2.0 seconds"), "\(outcome.errors)")
    let events = try outcome.output.split(separator: "\n").map {
      try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8))
    }
    let asked = try intent(of: "ticket", in: events)
    // The step gives it two seconds; the transport's own limit is twenty.
    #expect(try intent(of: "stop", in: events).timeIntervalSince(asked) < 15)
    desk.tracker.refuse("GET", "/issues", 503, [:])
    let verified = try await desk.binary.run(["journal", "verify", "--tickets", "--json"])
    #expect(verified.status == 69, "\(verified.errors)")
    #expect(verified.output.contains("\"compared\":null"), "\(verified.output)")
  }

  /// When the step's first INTENT was written.
  private func intent(of step: String, in events: [JSONValue]) throws -> Date {
    let event = events.first { $0["event"]?.string == "step.intent" && $0["body"]?["step"]?.string == step }
    return try Date(
      try #require(event?["at"]?.string),
      strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
  }

  @Test func `A stranger's comment in the ticket holds no run up`() async throws {
    let desk = try await Desk()
    #expect(try await desk.run().status == 0)
    let text = try #require(desk.tracker.issues.first?.body)
    let start = try #require(text.range(of: "<!-- staunch head "))
    let end = try #require(text.range(of: " -->", range: start.upperBound..<text.endIndex))
    var words = text[start.upperBound..<end.lowerBound].split(separator: " ").map(String.init)
    words[2] = "4000"
    desk.tracker.write("<!-- staunch head \(words.joined(separator: " ")) -->", onIssue: 1)
    let verified = try await desk.binary.run(["journal", "verify", "--tickets"])
    #expect(verified.status == 0, "\(verified.errors)")
    #expect(verified.errors.contains("1 of another installation, or forged"), "\(verified.errors)")
  }
}
