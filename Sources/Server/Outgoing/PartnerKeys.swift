import Foundation
import JSON
import Synchronization
import WebhookSignatures

/// The public keys of GitHub's partner program: fetched from the configured API only, at most once a minute, because whoever
/// posts may name any key. Source: docs.github.com, secret scanning partner program.
final class PartnerKeys: Sendable {
  private struct State {
    var verifier: GitHubPartnerSignature?
    var asked: Date?
  }
  static let pause: TimeInterval = 60
  /// After a fetch that failed: genuine senders do not wait a minute for what a stranger's request has met.
  static let shortPause: TimeInterval = 5

  private let address: String
  private let fetching: any Fetching
  private let state = Mutex(State())

  /// - Parameter api: the base, `https://api.github.com` unless set.
  init(api: String?, fetching: any Fetching) {
    let base = (api ?? "https://api.github.com")
    address = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/meta/public_keys/secret_scanning"
    self.fetching = fetching
  }

  /// Verifies with the keys at hand; an unknown key makes it ask for the list once, then tries again.
  /// - Throws: ``Refusal/unauthorized(_:)``; ``Refusal/unavailable(_:)`` when there is no list at all.
  func verify(_ message: Message) async throws(Refusal) -> VerifiedDelivery {
    let (headers, body, now) = (message.headers, message.body, message.now)
    if let verifier = state.withLock({ $0.verifier }) {
      do throws(SignatureError) { return try verifier.verify(headers, body: body, now: now) } catch {
        guard error.code == .unknownKey else { throw .unauthorized(error) }
      }
    }
    let verifier = try await refresh(now: now, within: message.patience(.seconds(5)))
    do throws(SignatureError) { return try verifier.verify(headers, body: body, now: now) } catch {
      throw .unauthorized(error)
    }
  }

  private func refresh(now: Date, within timeout: Duration) async throws(Refusal)
    -> GitHubPartnerSignature
  {
    let (mayAsk, known) = state.withLock { state in
      let mayAsk = state.asked.map { now.timeIntervalSince($0) >= PartnerKeys.pause } ?? true
      if mayAsk { state.asked = now }
      return (mayAsk, state.verifier)
    }
    guard mayAsk else {
      if let known { return known }
      throw .unavailable("the partner program's keys could not be fetched yet")
    }
    do {
      let bytes = try await fetching.get(address, largest: 256 << 10, timeout: timeout)
      var keys: [String: String] = [:]
      for entry in try JSONValue(parsing: bytes)["public_keys"]?.array ?? [] {
        if let id = entry["key_identifier"]?.string, let key = entry["key"]?.string { keys[id] = key }
      }
      let verifier = try GitHubPartnerSignature(keys: keys)
      state.withLock { $0.verifier = verifier }
      return verifier
    } catch {
      state.withLock { $0.asked = now.addingTimeInterval(Self.shortPause - Self.pause) }
      if let known { return known }
      throw .unavailable("the partner program's keys could not be fetched: \(error)")
    }
  }
}
