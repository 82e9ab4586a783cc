import Capabilities
import Foundation
import Synchronization
import Testing

@testable import HTTP

/// Calls of one provider, with a clock that sleeping moves.
@Suite struct PacedTransportTests {
  /// Answers what it is told to, and remembers when it was asked.
  private final class Provider: HTTPTransport {
    let clock = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    let asked = Mutex<[Double]>([])
    let next = Mutex<HTTPResponse?>(nil)

    var now: Date { clock.withLock { $0 } }
    func advance(_ seconds: Double) { clock.withLock { $0 += seconds } }

    private func answer() -> HTTPResponse {
      asked.withLock { $0.append(now.timeIntervalSince1970 - 1_800_000_000) }
      return next.withLock { next in
        defer { next = nil }
        return next ?? HTTPResponse(status: 200, headers: [:], body: Data())
      }
    }
    func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse { answer() }
    func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
      async throws(CapabilityError) -> HTTPResponse
    { answer() }
  }

  private func paced(_ provider: Provider, _ pace: CallPace) -> PacedTransport {
    PacedTransport(
      provider, pace: pace, provider: "openai", now: { provider.now },
      sleep: { provider.advance(Double($0.components.attoseconds) / 1e18 + Double($0.components.seconds)) })
  }

  private let get = SafeRequest.get("https://api.example.test/v1/keys")

  @Test func `a burst goes at once, what follows at the rate, and an idle time fills the bucket again`()
    async throws
  {
    let provider = Provider()
    let transport = paced(provider, CallPace(perSecond: 2, burst: 3))
    for _ in 0..<5 { _ = try await transport.fetch(get) }
    #expect(provider.asked.withLock { $0 } == [0, 0, 0, 0.5, 1])
    provider.advance(100)
    for _ in 0..<4 { _ = try await transport.fetch(get) }
    #expect(provider.asked.withLock { Array($0.suffix(4)) } == [101, 101, 101, 101.5])
  }

  @Test func `without a rate nothing waits until the provider asks for it, and then everything does`()
    async throws
  {
    let provider = Provider()
    let pace = CallPace()
    let (one, other) = (paced(provider, pace), paced(provider, pace))
    for _ in 0..<50 { _ = try await one.fetch(get) }
    #expect(provider.asked.withLock { $0.allSatisfy { $0 == 0 } })
    provider.next.withLock {
      $0 = HTTPResponse(status: 429, headers: ["retry-after": "7"], body: Data())
    }
    let refused = try await one.fetch(get)
    #expect(refused.status == 429, "the answer is the caller's to judge")
    _ = try await other.fetch(get)
    #expect(provider.asked.withLock { $0.last } == 7)
  }

  @Test func `longer silence than a minute refuses unsent, and says how long`() async throws {
    let provider = Provider()
    let transport = paced(provider, CallPace(perSecond: 1))
    provider.next.withLock {
      $0 = HTTPResponse(status: 503, headers: ["retry-after": "300"], body: Data())
    }
    _ = try await transport.fetch(get)
    let error = await #expect(throws: CapabilityError.self) { _ = try await transport.fetch(get) }
    #expect(error?.class == .rateLimit)
    #expect(error?.retryAfter == .seconds(300))
    #expect(provider.asked.withLock { $0.count } == 1)
    provider.advance(250)
    _ = try await transport.fetch(get)
    #expect(provider.asked.withLock { $0 } == [0, 300])
  }

  @Test func `a run that is stopped while it waits has sent nothing`() async throws {
    let provider = Provider()
    let transport = PacedTransport(
      provider, pace: CallPace(perSecond: 1), provider: "openai", now: { provider.now },
      sleep: { _ in throw CancellationError() })
    _ = try await transport.fetch(get)
    let error = await #expect(throws: CapabilityError.self) { _ = try await transport.fetch(get) }
    #expect(error?.class == .cancelled)
    #expect(provider.asked.withLock { $0.count } == 1)
  }
}
