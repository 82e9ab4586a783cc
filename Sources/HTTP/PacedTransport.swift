public import Capabilities
public import Foundation

/// Requests to one kind of provider, no faster than its ``CallPace``.
///
/// A request waits for its place. After 429, or 503 with `retry-after`, every request to the provider waits as long as it
/// asked; when that is longer than a minute, the request is refused unsent, so that its step can decide.
public struct PacedTransport: HTTPTransport {
  private let inner: any HTTPTransport
  private let pace: CallPace
  private let provider: String
  private let now: @Sendable () -> Date
  private let sleep: @Sendable (Duration) async throws -> Void

  private static let patience: Double = 60

  /// - Parameters:
  ///   - provider: the kind, for messages.
  ///   - now: the wall clock.
  public init(
    _ inner: any HTTPTransport, pace: CallPace, provider: String, now: @escaping @Sendable () -> Date,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.inner = inner
    self.pace = pace
    self.provider = provider
    self.now = now
    self.sleep = sleep
  }

  /// - Throws: `.rateLimit` with `retryAfter` when the provider wants longer silence than a minute; `.cancelled`; what the
  ///   transport throws.
  public func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await wait(for: request.request)
    return heard(try await inner.fetch(request))
  }

  /// - Throws: as ``fetch(_:)``. Nothing was sent after `.rateLimit` without an answer, or `.cancelled` while waiting.
  public func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    try await wait(for: request)
    return heard(try await inner.send(request, under: authority))
  }

  public func addresses(behind url: String) async throws(CapabilityError) -> [String] {
    try await inner.addresses(behind: url)
  }

  private func wait(for request: HTTPRequest) async throws(CapabilityError) {
    let operation = "\(request.method.rawValue) \(URLComponents(string: request.url)?.path ?? "")"
    guard let seconds = pace.book(at: now(), patience: Self.patience) else {
      throw CapabilityError(
        .rateLimit, operation, because: "\(provider) has asked for silence",
        fix: "wait, then: staunch resume",
        retryAfter: .seconds(Int(pace.held(at: now()).rounded(.up))))
    }
    guard seconds > 0 else { return }
    DebugLog.note(
      .debug, "http", "\(provider): \(DebugLog.place(request)) waits \(Int(seconds * 1000)) ms for its pace")
    do {
      try await sleep(.milliseconds(Int((seconds * 1000).rounded(.up))))
    } catch {
      throw CapabilityError(.cancelled, operation, because: "the run was stopped before this call was made")
    }
  }

  private func heard(_ answer: HTTPResponse) -> HTTPResponse {
    let now = now()
    if [429, 503].contains(answer.status), let pause = answer.retryAfter(now: now) {
      DebugLog.note(
        .warning, "http", "\(provider): \(answer.status), no call for \(pause.components.seconds) s")
      pace.hold(until: now.addingTimeInterval(Double(pause.components.seconds)))
    }
    return answer
  }
}
