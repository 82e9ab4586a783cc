import Capabilities
import RESTClient
import Secrets
import Synchronization

/// A session that was made from the leaked key while it lived: what becomes of it becomes of the holder's.
final class AWSSessionWitness: Sendable {
  private struct State: Sendable {
    var session: AWSKeys?
    var isCut = false
  }
  private let state = Mutex(State())

  /// The shortest that AWS makes.
  private static let life = "900"

  /// Makes the session, and keeps it when it may do what is asked. What speaks against it keeps no key from being stopped.
  func open(
    from keys: AWSKeys, _ check: AWSActionCheck, over client: AWSClient,
    under authority: borrowing ExecutionAuthority
  ) async {
    guard state.withLock({ $0.session == nil }) else { return }
    do throws(CapabilityError) {
      let made = try await client.change(
        .sts, "GetSessionToken", [("DurationSeconds", Self.life)], as: keys, under: authority)["Credentials"]
      guard let id = made?["AccessKeyId"]?.text, let secret = made?["SecretAccessKey"]?.text,
        let token = made?["SessionToken"]?.text
      else { return }
      let session = AWSKeys(
        accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token))
      guard try await isAllowed(session, check, over: client) == true else { return }
      state.withLock { $0.session = session }
    } catch {}  // no witness: the policies alone are then what is known
  }

  /// Sessions are denied everything from now on.
  func noteCut() { state.withLock { $0.isCut = true } }

  /// Why the end of the sessions is not proven; nil: it is, or there is no witness to ask.
  func objection(_ check: AWSActionCheck, over client: AWSClient) async -> String? {
    let state = state.withLock { $0 }
    guard state.isCut, let session = state.session else { return nil }
    do throws(CapabilityError) {
      switch try await isAllowed(session, check, over: client) {
      case true?: return "a session that was made from it is still allowed \(check.action)"
      case false?: return nil
      case nil: return "what became of a session that was made from it cannot be told"
      }
    } catch {
      return "what became of a session that was made from it cannot be told (\(error.class.rawValue))"
    }
  }

  /// Nil: the answer speaks of something else.
  private func isAllowed(
    _ session: AWSKeys, _ check: AWSActionCheck, over client: AWSClient
  ) async throws(CapabilityError) -> Bool? {
    let answer = AWSAnswer(
      try await client.environment.http.fetch(check.request(as: session, over: client)))
    if (200...299).contains(answer.response.status) { return true }
    return answer.isDenied || answer.isExpired || answer.isStranger ? false : nil
  }
}

extension AWSAccessKey {
  var sessionCheck: AWSActionCheck? {
    settings.sessionCheck.flatMap { AWSActionCheck($0, settings.sessionResource) }
  }
}
