import Cryptography
import Foundation
import JSON
import Simulators
import Synchronization

/// A sink for Standard Webhooks: takes messages that are signed with its secret and no older than five minutes, knows a
/// repeated `webhook-id`, and keeps what it was told.
/// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
final class SandboxTickets: Sendable {
  /// One message as it arrived.
  struct Message: Sendable {
    let id: String
    /// For example `incident.opened`.
    let type: String
    let body: Data
    let at: Date
  }
  fileprivate final class World: Sendable {
    let messages = Mutex<[Message]>([])
    let repeats = Mutex(0)
  }

  let endpoint: SandboxEndpoint
  private let server: LoopbackServer
  fileprivate let world: World

  private static let tolerance: TimeInterval = 5 * 60

  /// - Parameter secret: `whsec_` and base64.
  init(secret: String, faults: FaultBoard, now: @escaping @Sendable () -> Date) throws(DrillError) {
    let key = SymmetricKey(data: Data(base64Encoded: String(secret.dropFirst("whsec_".count))) ?? Data())
    let world = World()
    self.world = world
    server = try LoopbackServer { request in
      guard request.method == "POST" else { return .answer(405) }
      if faults.strikes(.notifierDown) { return .answer(503) }
      guard let id = request.headers["webhook-id"] else { return .answer(400) }
      guard Self.isSigned(request, id, key, now: now()) else { return .answer(401) }
      let isNew = world.messages.withLock { messages in
        guard !messages.contains(where: { $0.id == id }) else { return false }
        let type = request.json?["type"]?.string ?? ""
        messages.append(Message(id: id, type: type, body: request.body, at: now()))
        return true
      }
      if !isNew { world.repeats.withLock { $0 += 1 } }
      return faults.strikes(.lostTicketReply) ? .hangUp : .answer(204)
    }
    endpoint = server.endpoint
  }

  func stop() { server.stop() }

  /// One of several signatures is enough: a secret that is being replaced signs beside its successor.
  private static func isSigned(_ request: SimulatedRequest, _ id: String, _ key: SymmetricKey, now: Date)
    -> Bool
  {
    guard let text = request.headers["webhook-timestamp"], let seconds = Double(text),
      abs(now.timeIntervalSince1970 - seconds) <= tolerance
    else { return false }
    let signatures = (request.headers["webhook-signature"] ?? "").split(separator: " ").compactMap { word in
      word.hasPrefix("v1,") ? Data(base64Encoded: String(word.dropFirst(3))) : nil
    }
    let signed = Array("\(id).\(text).".utf8) + request.body
    return signatures.contains {
      HMAC<SHA256>.isValidAuthenticationCode($0, authenticating: signed, using: key)
    }
  }

  /// In the order of arrival, each id once.
  var messages: [Message] { world.messages.withLock { $0 } }
}
