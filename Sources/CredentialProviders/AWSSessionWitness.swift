import Capabilities
import JSON
import RESTClient
import Secrets
import Synchronization

/// A session that was made from the leaked key while it lived: what becomes of it becomes of the holder's.
///
/// `GetCallerIdentity` answers also where everything is denied, so only an action that the session really had shows its end.
final class AWSSessionWitness: Sendable {
  /// What can be tried: each only reads, and its answer is not looked at.
  static let checks = [
    "secretsmanager:ListSecrets", "secretsmanager:DescribeSecret", "ssm:DescribeParameters",
    "ssm:GetParameter", "ecs:ListClusters",
  ]

  static func question(_ check: String, _ resource: String?) -> (AWSClient.Service, String, JSONValue)? {
    switch (check, resource) {
    case ("secretsmanager:ListSecrets", nil): (.secretsManager, "ListSecrets", ["MaxResults": 1])
    case ("secretsmanager:DescribeSecret", let name?):
      (.secretsManager, "DescribeSecret", ["SecretId": .string(name)])
    case ("ssm:DescribeParameters", nil): (.ssm, "DescribeParameters", ["MaxResults": 1])
    // Not decrypted: whether it may be read is all that is asked.
    case ("ssm:GetParameter", let name?): (.ssm, "GetParameter", ["Name": .string(name)])
    case ("ecs:ListClusters", nil): (.ecs, "ListClusters", ["maxResults": 1])
    default: nil
    }
  }

  /// True also where none is wanted.
  static func isTriable(_ check: String?, _ resource: String?) -> Bool {
    guard let check else { return true }
    return question(check, resource) != nil
  }

  private struct State: Sendable {
    var session: AWSKeys?
    var isCut = false
  }
  private let state = Mutex(State())

  /// The shortest that AWS makes.
  private static let life = "900"

  /// Makes the session, and keeps it when it may do what is asked. What speaks against it keeps no key from being stopped.
  func open(
    from keys: AWSKeys, _ question: (AWSClient.Service, String, JSONValue), over client: AWSClient,
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
      guard try await isAllowed(session, question, over: client) == true else { return }
      state.withLock { $0.session = session }
    } catch {}  // no witness: the policies alone are then what is known
  }

  /// Sessions are denied everything from now on.
  func noteCut() { state.withLock { $0.isCut = true } }

  /// Why the end of the sessions is not proven; nil: it is, or there is no witness to ask.
  func objection(_ question: (AWSClient.Service, String, JSONValue), over client: AWSClient) async -> String?
  {
    let state = state.withLock { $0 }
    guard state.isCut, let session = state.session else { return nil }
    do throws(CapabilityError) {
      switch try await isAllowed(session, question, over: client) {
      case true?: return "a session that was made from it is still allowed \(question.0.name):\(question.1)"
      case false?: return nil
      case nil: return "what became of a session that was made from it cannot be told"
      }
    } catch {
      return "what became of a session that was made from it cannot be told (\(error.class.rawValue))"
    }
  }

  /// Nil: the answer speaks of something else.
  private func isAllowed(
    _ session: AWSKeys, _ question: (AWSClient.Service, String, JSONValue), over client: AWSClient
  ) async throws(CapabilityError) -> Bool? {
    let answer = try await client.answer(question.0, question.1, question.2, as: session)
    if (200...299).contains(answer.response.status) { return true }
    return answer.isDenied || answer.isExpired || answer.isStranger ? false : nil
  }
}

extension AWSAccessKey {
  var sessionQuestion: (AWSClient.Service, String, JSONValue)? {
    settings.sessionCheck.flatMap { AWSSessionWitness.question($0, settings.sessionResource) }
  }
}
