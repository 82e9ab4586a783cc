import Cryptography
import Foundation
import Secrets
import Synchronization

/// Who is signed in, in memory: a restart signs everybody out, and nothing of a session is on a disk.
final class Sessions: Sendable {
  struct Session: Sendable {
    let person: String
    /// Of the key at sign-in: whoever is removed, or gets another key, is signed out.
    let fingerprint: String
    let csrf: String
    let began: Date
    var seen: Date
    var expires: Date
  }

  private let idle: Double
  private let absolute: Double
  private let largest: Int
  private let all = Mutex<[Data: Session]>([:])

  init(idleSeconds: Double, absoluteSeconds: Double, largest: Int = 1000) {
    idle = idleSeconds
    absolute = absoluteSeconds
    self.largest = largest
  }

  /// 256 random bits, in letters that a cookie may hold.
  static func randomToken() -> String {
    let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
    return bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
      "=", with: "")
  }

  /// - Returns: the token for the cookie. It is kept only as a hash.
  func begin(_ person: String, fingerprint: String, now: Date) -> (token: String, session: Session) {
    let token = Sessions.randomToken()
    let session = Session(
      person: person, fingerprint: fingerprint, csrf: Sessions.randomToken(), began: now, seen: now,
      expires: now.addingTimeInterval(absolute))
    all.withLock { all in
      all = all.filter { isLive($0.value, now) }
      // Only somebody with a password can fill this; the longest unused goes.
      if all.count >= largest, let oldest = all.min(by: { $0.value.seen < $1.value.seen }) {
        all[oldest.key] = nil
      }
      all[Sessions.key(token)] = session
    }
    return (token, session)
  }

  /// The session of a token, counted as used; nil when there is none or it is over.
  func find(_ token: String, now: Date) -> Session? {
    let key = Sessions.key(token)
    return all.withLock { all in
      guard var session = all[key] else { return nil }
      guard isLive(session, now) else {
        all[key] = nil
        return nil
      }
      session.seen = now
      all[key] = session
      return session
    }
  }

  /// The session of a token, without counting it as used: an open stream keeps nobody signed in.
  func peek(_ token: String, now: Date) -> Session? {
    all.withLock { all in all[Sessions.key(token)].flatMap { isLive($0, now) ? $0 : nil } }
  }

  func end(_ token: String) { all.withLock { $0[Sessions.key(token)] = nil } }

  private func isLive(_ session: Session, _ now: Date) -> Bool {
    now < session.expires && now.timeIntervalSince(session.seen) < idle
  }

  // Looking up a hash leaks no time about the token.
  private static func key(_ token: String) -> Data { Data(SHA256.hash(data: Data(token.utf8))) }
}

/// Compares tokens in a time that depends on their lengths only.
func isSameToken(_ one: String, _ other: String) -> Bool { Secret(one).isSame(as: Secret(other)) }
