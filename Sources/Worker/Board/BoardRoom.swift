import Foundation
import Inbox
import Response

/// The board on a queue of its own, with its own fold of the journal: to derive thousands of incidents takes seconds, and whoever
/// takes in, plans or tells does not wait for it.
actor BoardRoom {
  private let queue = WorkQueue("staunch.board")
  nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

  private let inbox: Inbox
  private var board: Board

  init(installation: Installation, inbox: Inbox) {
    self.inbox = inbox
    board = Board(
      installation: installation, inbox: inbox, chronicle: FollowedChronicle(installation.journal))
  }

  /// - Returns: whether there is more to publish at once, and when time alone makes something due.
  func publish(now: Date) throws -> (more: Bool, due: Date?) {
    let more = try board.publish(now: now)
    return (more, board.due(after: now))
  }

  /// From now on another configuration holds: everything is derived again.
  func adopt(_ installation: Installation) {
    board = Board(
      installation: installation, inbox: inbox, chronicle: FollowedChronicle(installation.journal))
  }
}
