import Dispatch
import Foundation
import GRDB
import Synchronization

/// Appends that arrive while the disk is busy share the next commit: one fsync for many senders.
///
/// The queue runs SQLite's blocking calls on its own thread, one commit at a time.
final class GroupCommit: Sendable {
  /// What is written, and whoever waits for it.
  struct Entry: Sendable {
    let write: @Sendable (Database, inout CommitSeal) throws -> Acceptance
    let done: CheckedContinuation<Result<Acceptance, InboxError>, Never>
    /// For the bound of one commit.
    let bytes: Int
  }

  private struct State {
    var waiting: [Entry] = []
    var isDraining = false
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "staunch.inbox.commit")
  private let database: DatabasePool
  private let recipient: InboxPublicKey
  private let onAppend: (@Sendable () -> Void)?

  init(database: DatabasePool, recipient: InboxPublicKey, onAppend: (@Sendable () -> Void)?) {
    self.database = database
    self.recipient = recipient
    self.onAppend = onAppend
  }

  /// Waits until `write` is durable. All of one commit fail together.
  func append(
    bytes: Int, _ write: @escaping @Sendable (Database, inout CommitSeal) throws -> Acceptance
  ) async throws(InboxError) -> Acceptance {
    let result = await withCheckedContinuation { continuation in
      let starts = state.withLock { state in
        state.waiting.append(Entry(write: write, done: continuation, bytes: bytes))
        defer { state.isDraining = true }
        return !state.isDraining
      }
      if starts { queue.async { self.drain() } }
    }
    return try result.get()
  }

  private func drain() {
    while let batch = next() {
      do {
        let acceptances = try database.write { db in
          var seal = CommitSeal(recipient: recipient)
          return try batch.map { try $0.write(db, &seal) }
        }
        for (entry, acceptance) in zip(batch, acceptances) {
          entry.done.resume(returning: .success(acceptance))
        }
        if acceptances.contains(where: { $0 != .duplicate }) { onAppend?() }
      } catch {
        let error = InboxError(error, "append to the exchange file", path: database.path)
        for entry in batch { entry.done.resume(returning: .failure(error)) }
      }
    }
  }

  /// At most 1,024 entries and 32 MiB at once, so that nobody waits for a commit without end.
  private func next() -> [Entry]? {
    state.withLock { state in
      var count = 0
      var bytes = 0
      while count < state.waiting.count, count < 1024,
        count == 0 || bytes + state.waiting[count].bytes <= 32 << 20
      {
        bytes += state.waiting[count].bytes
        count += 1
      }
      guard count > 0 else {
        state.isDraining = false
        return nil
      }
      defer { state.waiting.removeFirst(count) }
      return Array(state.waiting.prefix(count))
    }
  }
}

/// The seal of one commit, made when the first body needs it: a commit of duplicates pays nothing.
struct CommitSeal {
  private let recipient: InboxPublicKey
  private var batch: BatchSeal?

  init(recipient: InboxPublicKey) { self.recipient = recipient }

  mutating func seal(_ body: [UInt8], context: Data) throws -> (encapsulatedKey: Data, place: Int, box: Data)
  {
    var current = try batch ?? BatchSeal(to: recipient)
    let sealed = try current.seal(body, context: context)
    batch = current
    return (current.encapsulatedKey, sealed.place, sealed.box)
  }
}
