public import Capabilities
import Crypto
import Foundation
public import Secrets

/// The directory that holds the journal and the installation's keys; mode 0700, every file 0600.
public struct StateDirectory: Sendable {
  public let path: String

  /// Creates the directory when it is missing.
  ///
  /// - Throws: `readOnly`; `permissions` when others may enter it.
  public init(_ path: String) throws(JournalError) {
    self.path = path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw JournalError(
        .readOnly, "create the state directory \(path)", because: "it cannot be created",
        fix: "create it yourself (mkdir -m 700 -p \(path)), or set STAUNCH_STATE=DIR")
    }
    var status = stat()
    guard stat(path, &status) == 0 else { throw KeyFile.failure("read \(path)", path: path) }
    // To pass through is no look inside: an endpoint that is another user has to reach its own directory below.
    guard status.st_mode & 0o066 == 0 else {
      throw JournalError(
        .permissions, "use the state directory \(path)", because: "others may enter it",
        fix: "chmod 700 \(path)")
    }
  }

  /// The journal of live runs.
  public var journalPath: String { path + "/journal.sqlite" }

  /// The operator's signing identity (`identity.key`); made at first use.
  public func identity() throws(JournalError) -> LocalIdentity {
    let secret = try KeyFile.read(path + "/identity.key") { LocalIdentity().secret }
    do { return try LocalIdentity(secret: secret) } catch {
      throw JournalError(
        .unsealable, "read \(path)/identity.key", because: "it is not an Ed25519 key",
        fix: "restore it from a backup")
    }
  }

  /// The key that wraps every sealing key (`operator.key`); made at first use.
  public func operatorKey() throws(JournalError) -> SealingKey {
    let secret = try KeyFile.read(path + "/operator.key", orCreate: StateDirectory.randomKey)
    return SealingKey(id: "operator", bytes: SecretBytes(copying: secret.exposeAsBytes()))
  }

  /// The key of fingerprints (`fingerprint.key`); made at first use.
  public func fingerprintKey() throws(JournalError) -> FingerprintKey {
    let secret = try KeyFile.read(path + "/fingerprint.key", orCreate: StateDirectory.randomKey)
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

  /// The keys that ``Journal/open(path:keys:isDrill:settings:)`` takes.
  public func keys() throws(JournalError) -> JournalKeys {
    JournalKeys(identity: try identity(), operatorKey: try operatorKey())
  }

  private static func randomKey() -> Secret {
    Secret(SecretBytes(copying: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }))
  }
}
