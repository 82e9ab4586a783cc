import Foundation
import JSON
import Synchronization

/// A sink for Standard Webhooks: takes messages, knows a repeated `webhook-id`, and keeps what it was told.
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

  init(faults: FaultBoard, now: @escaping @Sendable () -> Date) throws(DrillError) {
    let world = World()
    self.world = world
    server = try LoopbackServer { request in
      guard request.method == "POST" else { return .answer(405) }
      if faults.strikes(.notifierDown) { return .answer(503) }
      guard let id = request.headers["webhook-id"], request.headers["webhook-signature"] != nil else {
        return .answer(400)
      }
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

  /// In the order of arrival, each id once.
  var messages: [Message] { world.messages.withLock { $0 } }
}
