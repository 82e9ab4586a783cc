import Capabilities
import Foundation
import Incidents
import Journal
import Response
import ResponseSupport
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// What the worker says, and what it does with messages that are queued meanwhile.
@Suite struct OutboxNewsTests {
  private static let configuration = """
    trackers:
      security: {kind: standard-webhooks, url: "URL/hook", secret: "file:DIR/hook"}
    routes:
      - {playbook: generic-secret, tracker: security}
    policy: {critical_kinds: [openai_api_key]}
    """

  private static func rig(_ sink: LoopbackServer, _ voice: QuietVoice) throws -> WorkerRig {
    let directory = try TemporaryDirectory()
    try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
      toFile: directory.path("hook"), atomically: true, encoding: .utf8)
    return try WorkerRig(configuration.replacing("URL", with: sink.url), in: directory, voice: voice)
  }

  /// It had waited for a minute, as if the tracker had not answered.
  @Test func `a message that is queued when the others have just been sent goes at once`() async throws {
    let sink = try LoopbackServer { _ in .json(200, "{}") }
    let journal = Mutex<Journal?>(nil)
    let rig = try Self.rig(
      sink,
      QuietVoice { line, _ in
        guard line == "sent 1 message" else { return }
        let journal = journal.withLock { journal in
          defer { journal = nil }
          return journal
        }
        do {
          _ = try journal?.enqueue(
            TicketMessage(
              id: "meanwhile", incident: "inc-2", event: .opened, sequence: 0, title: "t", body: "b",
              severity: .sev2, isDrill: false, at: Date(timeIntervalSince1970: 1_796_000_000)),
            to: "security")
        } catch { Issue.record(error) }
      })
    journal.withLock { $0 = rig.installation.journal }
    _ = try rig.installation.journal.enqueue(
      TicketMessage(
        id: "first", incident: "inc-1", event: .opened, sequence: 0, title: "t", body: "b", severity: .sev2,
        isDrill: false, at: Date(timeIntervalSince1970: 1_796_000_000)), to: "security")
    // The lane looks twice, and the clock stands.
    for _ in 0..<2 {
      for job in await rig.worker.turn(.outbox).jobs { await job.work() }
    }
    #expect(sink.requests.count == 2)
    #expect(try rig.installation.journal.outbox(undelivered: true).isEmpty)
    sink.stop()
  }

  @Test func `what is said of a delivery names it for the structured log`() async throws {
    let sink = try LoopbackServer { _ in .json(200, "{}") }
    let said = Mutex<[(line: String, fields: [String: String])]>([])
    let rig = try Self.rig(sink, QuietVoice { line, fields in said.withLock { $0.append((line, fields)) } })
    _ = try await rig.deliver(
      WorkerRig.report([(FakeSecrets.value("openai_api_key", "said"), "a.py")]), id: "d-17")
    _ = try await rig.worker.round()
    let line = try #require(said.withLock { $0.first { $0.line.hasPrefix("delivery ") } })
    #expect(line.fields["delivery"] == "d-17")
    #expect(line.fields["route"]?.isEmpty == false)
    sink.stop()
  }
}
