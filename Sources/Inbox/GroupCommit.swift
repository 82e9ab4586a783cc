import Dispatch
import Foundation
import GRDB
import Synchronization

/// Appends that arrive while the disk is busy share the next commit: one fsync for many senders.
///
/// The queue runs SQLite's blocking calls on its own thread, one commit at a time. Whoever gives a deadline is told then, whatever
/// the disk does: an entry that no commit has begun is taken back; one that is being committed may still be stored.
final class GroupCommit: Sendable {
  private struct State {
    var waiting: [PendingAppend] = []
    var committing: [PendingAppend] = []
    var isDraining = false
    var isWatched = false
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "staunch.inbox.commit")
  private let watch = DispatchQueue(label: "staunch.inbox.deadlines")
  private let database: DatabasePool
  private let recipient: InboxPublicKey
  private let onAppend: (@Sendable () -> Void)?

  init(database: DatabasePool, recipient: InboxPublicKey, onAppend: (@Sendable () -> Void)?) {
    self.database = database
    self.recipient = recipient
    self.onAppend = onAppend
  }

  /// Waits until `write` is durable. All of one commit fail together.
  ///
  /// - Parameters:
  ///   - deadline: after it, whoever waits gets `late`.
  ///   - settled: called once with what really came of it.
  func append(
    bytes: Int, by deadline: ContinuousClock.Instant? = nil,
    _ write: @escaping PendingAppend.Write,
    settled: @escaping PendingAppend.Settled = { _ in }
  ) async throws(InboxError) -> Acceptance {
    let result = await withCheckedContinuation { continuation in
      let entry = PendingAppend(
        bytes: bytes, deadline: deadline, write: write, settled: settled, waiter: continuation)
      let (starts, watches) = state.withLock { state in
        state.waiting.append(entry)
        defer {
          state.isDraining = true
          if deadline != nil { state.isWatched = true }
        }
        return (!state.isDraining, deadline != nil && !state.isWatched)
      }
      if starts { queue.async { self.drain() } }
      if watches, let deadline { look(at: deadline) }
    }
    return try result.get()
  }

  private func drain() {
    while let batch = next() {
      let results: [Result<Acceptance, InboxError>]
      do {
        let acceptances = try database.write { db in
          var seal = CommitSeal(recipient: recipient)
          return try batch.map { try $0.write(db, &seal) }
        }
        results = acceptances.map { .success($0) }
      } catch {
        let error = InboxError(error, "append to the exchange file", path: database.path)
        results = batch.map { _ in .failure(error) }
      }
      state.withLock { $0.committing = [] }
      for (entry, result) in zip(batch, results) { entry.settle(result) }
      if results.contains(where: { if case .success(.accepted) = $0 { true } else { false } }) { onAppend?() }
    }
  }

  /// At most 1,024 entries and 32 MiB at once, so that nobody waits for a commit without end.
  private func next() -> [PendingAppend]? {
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
      state.committing = Array(state.waiting.prefix(count))
      state.waiting.removeFirst(count)
      return state.committing
    }
  }

  // MARK: Deadlines

  private func look(at deadline: ContinuousClock.Instant) {
    let pause = deadline - .now
    let nanoseconds = pause.components.seconds * 1_000_000_000 + pause.components.attoseconds / 1_000_000_000
    watch.asyncAfter(deadline: .now() + .nanoseconds(Int(max(0, nanoseconds)))) { self.expire() }
  }

  /// One look for everybody whose time is over, then the next when the earliest of the others is.
  private func expire() {
    let now = ContinuousClock.now
    let (withdrawn, kept, next) = state.withLock { state in
      let withdrawn = state.waiting.filter { $0.isOver(at: now) }
      state.waiting.removeAll { $0.isOver(at: now) }
      let kept = state.committing.filter { $0.isOver(at: now) }
      let next = (state.waiting + state.committing).compactMap(\.deadline).filter { $0 > now }.min()
      state.isWatched = next != nil
      return (withdrawn, kept, next)
    }
    let late = InboxError(
      .late, "append to the exchange file", because: "the disk did not take it in time",
      fix: "see who writes: fuser -v \(database.path); and the disk: iostat -x 1")
    for entry in withdrawn { entry.settle(.failure(late)) }
    for entry in kept { entry.answer(.failure(late)) }
    if let next { look(at: next) }
  }
}

/// What is to be written, and whoever waits for it.
final class PendingAppend: Sendable {
  typealias Write = @Sendable (Database, inout CommitSeal) throws -> Acceptance
  typealias Settled = @Sendable (Result<Acceptance, InboxError>) -> Void

  /// For the bound of one commit.
  let bytes: Int
  let deadline: ContinuousClock.Instant?
  let write: Write
  private let settled: Settled
  private let waiter: Mutex<CheckedContinuation<Result<Acceptance, InboxError>, Never>?>

  init(
    bytes: Int, deadline: ContinuousClock.Instant?, write: @escaping Write, settled: @escaping Settled,
    waiter: CheckedContinuation<Result<Acceptance, InboxError>, Never>
  ) {
    self.bytes = bytes
    self.deadline = deadline
    self.write = write
    self.settled = settled
    self.waiter = Mutex(waiter)
  }

  func isOver(at now: ContinuousClock.Instant) -> Bool { deadline.map { $0 <= now } ?? false }

  /// What came of it: once.
  func settle(_ result: Result<Acceptance, InboxError>) {
    settled(result)
    answer(result)
  }

  /// Tells whoever still waits.
  func answer(_ result: Result<Acceptance, InboxError>) {
    let waiter = waiter.withLock { waiter in
      defer { waiter = nil }
      return waiter
    }
    waiter?.resume(returning: result)
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
