import Foundation
import Logging
import Synchronization

/// Every try to sign in, in the log and counted. A failed one is one line of always the same form, for fail2ban
/// (docs/fail2ban/staunch.conf). The name is not in it: people type their password there.
final class SignInLog: Sendable {
  enum Outcome: String, Sendable, CaseIterable {
    case done, wrong, busy
    case tooMany = "too_many"
  }

  private let log: Logger
  private let counts = Mutex<[Outcome: Int]>([:])

  init(_ log: Logger) { self.log = log }

  /// - Parameters:
  ///   - client: the address, without anything that a client could write there itself.
  ///   - way: `form`, `api`, or `signature`: the password of somebody who is signed in.
  func note(_ outcome: Outcome, client: String, way: String, request: String) {
    counts.withLock { $0[outcome, default: 0] += 1 }
    let metadata: Logger.Metadata = ["client": "\(client)", "way": "\(way)", "request": "\(request)"]
    switch outcome {
    case .done: log.info("signed in", metadata: metadata)
    case .wrong: log.warning("sign-in failed", metadata: metadata)
    case .tooMany: log.warning("sign-in refused after too many tries", metadata: metadata)
    case .busy: log.warning("sign-in put off: too many at once", metadata: metadata)
    }
  }

  /// By outcome, each of them.
  var all: [(outcome: String, count: Int)] {
    counts.withLock { counts in Outcome.allCases.map { ($0.rawValue, counts[$0] ?? 0) } }
  }
}
