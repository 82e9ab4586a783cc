import Capabilities
import Dispatch
import Foundation
import People
import Secrets
import Synchronization

/// Checks passwords: slowly, a few at a time, and not too many tries of one client or for one name.
final class Doorman: Sendable {
  enum Answer: Sendable {
    case identity(LocalIdentity, Person)
    /// Wrong name or wrong password: nobody is told which.
    case wrong
    case tooMany
    /// Too many passwords are being checked.
    case busy

    /// For the log.
    var outcome: SignInLog.Outcome {
      switch self {
      case .identity: .done
      case .wrong: .wrong
      case .tooMany: .tooMany
      case .busy: .busy
      }
    }
  }

  private struct Attempts {
    var buckets: [String: TokenBucket] = [:]
    var checking = 0
    /// Names with an address from which they have opened the lock.
    var familiar: Set<String> = []
  }

  /// Somebody who is nobody: checking a password for an unknown name takes as long as for a known one.
  private let decoy: Person
  private let attempts = Mutex(Attempts())
  private let queue = DispatchQueue(label: "staunch-passwords")
  /// The dear part: scrypt, then the box.
  private let open: @Sendable (Person, Secret) -> LocalIdentity?

  /// - Parameter open: tries a password; tests count the tries.
  /// - Throws: ``PeopleError`` only when the cryptographic library fails.
  init(
    cost: PasswordLock.Cost = .standard,
    open: @escaping @Sendable (Person, Secret) -> LocalIdentity? = { person, password in
      // A record that cannot be opened at all lets nobody in, like a wrong password.
      try? person.identity(password: password)
    }
  ) throws(PeopleError) {
    self.open = open
    decoy = try Person(
      name: "nobody", roles: ["nobody"], password: Secret(Sessions.randomToken()), cost: cost)
  }

  /// - Parameter isSignedIn: the name is that of the session.
  func check(
    name: String, password: Secret, people: PeopleDirectory, client: String, isSignedIn: Bool = false,
    now: Date
  ) async -> Answer {
    guard admits(name: name, client: client, isSignedIn: isSignedIn, now: now) else { return .tooMany }
    guard begin() else { return .busy }
    defer { attempts.withLock { $0.checking -= 1 } }
    let known = people[name]
    let person = known ?? decoy
    let open = open
    let identity = await withCheckedContinuation {
      (continuation: CheckedContinuation<LocalIdentity?, Never>) in
      queue.async { continuation.resume(returning: open(person, password)) }
    }
    guard let identity, known != nil else { return .wrong }
    attempts.withLock { attempts in
      if attempts.familiar.count > 10_000 { attempts.familiar = [] }
      attempts.familiar.insert(name + "\n" + client)
    }
    return .identity(identity, person)
  }

  /// Tries: of one client 10 and then one every 6 s; for one name 30 and then one every 10 s, from everywhere together. Whoever
  /// is signed in, or comes from where the name has signed in before, is not shut out by strangers who try that name.
  private func admits(name: String, client: String, isSignedIn: Bool, now: Date) -> Bool {
    attempts.withLock { attempts in
      // So many different names or clients: forget those that have not tried lately. While all of them have, nobody else may.
      if attempts.buckets.count > 20_000 {
        attempts.buckets = attempts.buckets.filter { !$0.value.isFull(at: now) }
        guard attempts.buckets.count <= 20_000 else { return false }
      }
      func bucket(_ key: String, rate: Double, burst: Double) -> TokenBucket {
        if let known = attempts.buckets[key] { return known }
        let fresh = TokenBucket(rate: rate, burst: burst)
        attempts.buckets[key] = fresh
        return fresh
      }
      guard bucket("client " + client, rate: 1.0 / 6, burst: 10).take(at: now) else { return false }
      return isSignedIn || attempts.familiar.contains(name + "\n" + client)
        || bucket("name " + name.prefix(64), rate: 0.1, burst: 30).take(at: now)
    }
  }

  private func begin() -> Bool {
    attempts.withLock { attempts in
      guard attempts.checking < 8 else { return false }
      attempts.checking += 1
      return true
    }
  }
}
