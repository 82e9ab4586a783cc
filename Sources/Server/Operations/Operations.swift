import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Inbox
import Synchronization

/// `/healthz` for everybody; `/readyz` and `/metrics` for operators' addresses only.
struct Operations: Sendable {
  let operators: Set<String>
  let inbox: Inbox
  let metrics: ReceiverMetrics
  let readiness: Readiness
  let reserve: DiskReserve
  var signIns: @Sendable () -> [(outcome: String, count: Int)] = { [] }
  /// When the certificate that is shown ends; nil without TLS.
  var certificateEnd: @Sendable () -> Date? = { nil }
  let now: @Sendable () -> Date

  /// Nil when the path is none of these.
  func answer(_ request: Request, path: String, client: ClientAddress) async -> Answer? {
    guard ["/healthz", "/readyz", "/metrics"].contains(path) else { return nil }
    let isOperator = operators.contains(client.address) && !client.isThroughStranger
    guard path == "/healthz" || isOperator else { return Refusal.notFound.answer }
    guard request.method == .get || request.method == .head else {
      return Refusal.method(allowed: "GET, HEAD").answer
    }
    switch path {
    case "/healthz": return Answer(200, "ok\n")
    case "/readyz":
      let problem = await problem()
      return problem.map { Answer(503, $0 + "\n", fields: [("Retry-After", "5")]) } ?? Answer(200, "ready\n")
    default:
      return Answer(
        200,
        metrics.text(inbox: inbox, signIns: signIns(), certificateEnd: certificateEnd(), now: now()),
        contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
  }

  /// Why a sender should not come now; nil when all is well. What is stored is worth nothing while nobody takes it in.
  private func problem() async -> String? {
    let isReady = await readiness.isReady(inbox)
    guard isReady, reserve.hasRoom else { return "the exchange file cannot be written" }
    do {
      guard let last = try inbox.lastBeat() else { return "the worker has not worked here yet" }
      let silence = now().timeIntervalSince(last)
      return silence > Inbox.longestSilence ? "the worker has been silent for \(Int(silence)) s" : nil
    } catch {
      return "the exchange file cannot be read"
    }
  }
}

/// Whether an append would be durable now. Asked at most once a second, however often it is probed. A delivery that could not be
/// stored says more than a probe, which is small: until the next one is stored, but half a minute at most, we are not ready.
final class Readiness: Sendable {
  private let failure = Mutex<ContinuousClock.Instant?>(nil)
  private let memory: Duration
  private let known = Mutex<(isReady: Bool, at: ContinuousClock.Instant)?>(nil)

  /// - Parameter memory: how long a failure counts.
  init(memory: Duration = .seconds(30)) { self.memory = memory }

  func failed() { failure.withLock { $0 = .now } }
  func stored() { failure.withLock { $0 = nil } }

  func isReady(_ inbox: Inbox) async -> Bool {
    if let failure = failure.withLock({ $0 }), ContinuousClock.now - failure < memory { return false }
    if let known = known.withLock({ $0 }), ContinuousClock.now - known.at < .seconds(1) {
      return known.isReady
    }
    let isReady: Bool
    do {
      try await inbox.probe()
      isReady = true
    } catch {
      isReady = false  // the probe's question is exactly this
    }
    known.withLock { $0 = (isReady, .now) }
    return isReady
  }
}
