public import Capabilities
import Cryptography
public import Foundation
public import Secrets

/// The directory that holds the journal and the installation's keys; mode 0700, every file 0600.
public struct StateDirectory: Sendable {
  public let path: String
  /// A person goes on although keys are missing.
  private let acceptsLoss: Bool

  /// Creates the directory, durably, when it is missing.
  ///
  /// - Parameter acceptsLoss: makes keys anew that the journal was written with: a person decided.
  /// - Throws: `readOnly`; `permissions` when others may enter it.
  public init(_ path: String, acceptsLoss: Bool = false) throws(JournalError) {
    self.acceptsLoss = acceptsLoss
    self.path = path
    if let problem = DurableDirectory.create(path, mode: 0o700) {
      throw JournalError(
        .readOnly, "create the state directory \(path)",
        because: String(cString: strerror(problem)).lowercased(),
        fix: "create it yourself (mkdir -m 700 -p \(path)), or set STAUNCH_STATE=DIR")
    }
    try StateDirectory.check(path)
  }

  /// The directory as it is, for reading; nil when there is none.
  ///
  /// - Throws: `inputOutput` when it cannot be looked at, or is no directory; `permissions`.
  public static func existing(_ path: String) throws(JournalError) -> StateDirectory? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw unreadable(path, String(cString: strerror(errno)).lowercased())
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw unreadable(path, "it is no directory") }
    guard access(path, R_OK | X_OK) == 0 else {
      throw unreadable(path, String(cString: strerror(errno)).lowercased())
    }
    return StateDirectory(found: path)
  }

  private init(found path: String) {
    self.path = path
    acceptsLoss = false
  }

  private static func unreadable(_ path: String, _ because: String) -> JournalError {
    JournalError(
      .inputOutput, "read the state directory \(path)", because: because,
      fix: "ls -ld \(path); or name the right one: STAUNCH_STATE=DIR")
  }

  private static func check(_ path: String) throws(JournalError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw KeyFile.failure("read \(path)", path: path) }
    // To pass through is no look inside: an endpoint that is another user has to reach its own directory below.
    guard status.st_mode & 0o066 == 0 else {
      // Somebody made it with mkdir: nobody else could put anything into it, and there is nothing to see yet. So it is
      // closed instead of refused.
      if status.st_uid == geteuid(), status.st_mode & 0o022 == 0, isEmpty(path), chmod(path, 0o700) == 0 {
        return
      }
      throw JournalError(
        .permissions, "use the state directory \(path)", because: "others may enter it",
        fix: "chmod 700 \(path)")
    }
  }

  private static func isEmpty(_ path: String) -> Bool {
    guard let stream = opendir(path) else { return false }
    defer { closedir(stream) }
    var names = 0
    while readdir(stream) != nil { names += 1 }
    return names <= 2  // `.` and `..`
  }

  /// The journal of live runs.
  public var journalPath: String { path + "/journal.sqlite" }

  /// The journal, for reading; nil when nothing has run here yet.
  ///
  /// - Throws: `altered` when there was a journal and there is none now: keys or its last head are still here.
  public func journalForReading() throws(JournalError) -> Journal? {
    var status = stat()
    guard stat(journalPath, &status) == 0 else {
      guard errno == ENOENT else { throw KeyFile.failure("read \(journalPath)", path: journalPath) }
      if let refusal = try lostJournal() { throw refusal }
      return nil
    }
    // Made beside its keys a moment ago, or emptied since.
    guard status.st_size > 0 else {
      if case .head(let kept) = try HeadWitness(besides: journalPath).read(), kept.sequence > 0 {
        throw JournalDifference.gone.refusal("open the journal", path: journalPath)
      }
      return nil
    }
    return try Journal.openReading(path: journalPath)
  }

  /// Why a missing journal is no new installation: its last head or the key that only it needs is still here.
  private func lostJournal() throws(JournalError) -> JournalError? {
    guard !acceptsLoss else { return nil }
    let kept = try HeadWitness(besides: journalPath).read()
    var status = stat()
    guard kept != .nothing || stat(path + "/operator.key", &status) == 0 else { return nil }
    return JournalDifference.gone.refusal("open the journal", path: journalPath)
  }

  /// Whether the journal holds something that was made with a key: then a missing key is a loss.
  private func journalHolds(_ question: String) throws(JournalError) -> Bool {
    guard !acceptsLoss, let journal = try journalForReading() else { return false }
    return try journal.holds(question)
  }

  /// The operator's signing identity (`identity.key`); made at first use.
  public func identity() throws(JournalError) -> LocalIdentity {
    let secret = try KeyFile.read(
      path + "/identity.key",
      isMissed: { () throws(JournalError) in try journalHolds("SELECT 1 FROM head") }
    ) { LocalIdentity().secret }
    do { return try LocalIdentity(secret: secret) } catch {
      throw JournalError(
        .unsealable, "read \(path)/identity.key", because: "it is not an Ed25519 key",
        fix: "restore it from a backup")
    }
  }

  /// The public half of the identity, when there is one: for reading commands, which make no keys.
  public func publicKey() throws(JournalError) -> Data? {
    var status = stat()
    guard stat(path + "/identity.key", &status) == 0 else { return nil }
    return try identity().publicKey
  }

  /// The key that wraps every sealing key (`operator.key`); made at first use.
  public func operatorKey() throws(JournalError) -> SealingKey {
    let secret = try KeyFile.read(
      path + "/operator.key",
      isMissed: { () throws(JournalError) in
        try journalHolds("SELECT 1 FROM sealing_keys WHERE wrapped IS NOT NULL")
      }, orCreate: StateDirectory.randomKey)
    return SealingKey(id: "operator", bytes: SecretBytes(copying: secret.exposeAsBytes()))
  }

  /// The key of fingerprints (`fingerprint.key`); made at first use.
  public func fingerprintKey() throws(JournalError) -> FingerprintKey {
    let secret = try KeyFile.read(
      path + "/fingerprint.key",
      isMissed: { () throws(JournalError) in
        try journalHolds("SELECT 1 FROM events WHERE kind = 'incident.opened'")
      }, orCreate: StateDirectory.randomKey)
    return FingerprintKey(SecretBytes(copying: secret.exposeAsBytes()))
  }

  /// The identity that signs what a policy lets run without a person (`policy.key`); made at first use.
  public func policyIdentity() throws(JournalError) -> LocalIdentity {
    let secret = try KeyFile.read(path + "/policy.key") { LocalIdentity().secret }
    do { return try LocalIdentity(secret: secret) } catch {
      throw JournalError(
        .unsealable, "read \(path)/policy.key", because: "it is not an Ed25519 key",
        fix: "move it away: the worker makes a new one, and what the old one approved waits for a person")
    }
  }

  /// The 32 bytes that open deliveries of the exchange file (`inbox.key`); made at first use.
  public func inboxKey() throws(JournalError) -> Secret {
    try KeyFile.read(path + "/inbox.key", orCreate: StateDirectory.randomKey)
  }

  /// The keys that ``Journal/open(path:keys:isDrill:settings:acceptingBecause:)`` takes.
  ///
  /// - Throws: `altered` when the journal is gone while its keys are here.
  public func keys() throws(JournalError) -> JournalKeys {
    var status = stat()
    if stat(journalPath, &status) != 0, errno == ENOENT {
      if let refusal = try lostJournal() { throw refusal }
      // Before the key that only it needs: a crash in between must not look like a loss.
      try KeyFile.createPrivately(journalPath)
    }
    return JournalKeys(identity: try identity(), operatorKey: try operatorKey())
  }

  private static func randomKey() -> Secret {
    Secret(SecretBytes(copying: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }))
  }
}
