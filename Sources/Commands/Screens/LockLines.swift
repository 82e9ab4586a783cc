import Foundation
import Incidents
import JSON
import Journal

/// Who executes which run: what a second operator, who can only look on, must know.
struct LockLines {
  let locks: [HeldLock]
  let now: Date

  /// One line for each run that holds something, with the command that helps.
  var lines: [String] {
    Dictionary(grouping: locks, by: \.run).sorted { $0.key < $1.key }.compactMap { run, held in
      guard let own = held.first(where: { $0.name == "run/\(run)" }) ?? held.first else { return nil }
      let targets = held.map(\.name).filter { $0 != "run/\(run)" }.map(harmless).sorted()
      let what = targets.isEmpty ? "" : ", holds \(targets.joined(separator: ", "))"
      let age = "\(max(0, Int(now.timeIntervalSince(own.since) / 60))) min"
      if run.isByHand {
        return own.state == .running
          ? "lock: \(own.owner.map { "\($0)" } ?? "a process") works by hand (\(run)) for \(age)\(what)"
          : "lock: the command \(run) was interrupted, for \(age)\(what). repeat it: it finds out how it ended"
      }
      switch own.state {
      case .running:
        return
          "lock: \(own.owner.map { "\($0)" } ?? "a process") executes \(run) for \(age)\(what); you look on. "
          + "take it over: staunch resume \(run) --take-over --reason 'why'"
      case .waiting: return "lock: \(run) waits for \(age)\(what)"
      case .stale:
        return "lock: the process of \(run) is gone, for \(age)\(what). go on: staunch resume \(run)"
      }
    }
  }

  /// `document` with `"locks":[{"name","run","state","since","owner"}]`.
  func added(to document: JSONValue) -> JSONValue {
    var members = document.object ?? [:]
    members["locks"] = .array(
      locks.map { lock in
        [
          "name": .string(lock.name), "run": .string(lock.run.rawValue),
          "state": .string(lock.state.rawValue),
          "since": .string(Timestamp.text(lock.since)),
          "owner": lock.owner.map { .string("\($0)") } ?? .null,
        ]
      })
    return .object(members)
  }
}

extension Assembly {
  /// The locks of `run`, or all; none when nothing has run here.
  func heldLocks(of run: RunID? = nil) throws -> LockLines {
    let held = try journalForReading()?.locks() ?? []
    return LockLines(locks: run == nil ? held : held.filter { $0.run == run }, now: now())
  }
}
