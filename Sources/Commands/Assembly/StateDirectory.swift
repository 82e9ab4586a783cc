import Capabilities
import Foundation
import Secrets

/// The directory that holds the journal and the installation's keys; mode 0700, its files 0600.
struct StateDirectory: Sendable {
  let path: String

  /// `$STAUNCH_STATE`, else `$XDG_STATE_HOME/staunch`, else `~/.local/state/staunch`.
  init(environment: [String: String], home: String) {
    if let path = environment["STAUNCH_STATE"], !path.isEmpty {
      self.path = path
    } else if let base = environment["XDG_STATE_HOME"], !base.isEmpty {
      path = base + "/staunch"
    } else {
      path = home + "/.local/state/staunch"
    }
  }

  init(path: String) { self.path = path }

  var journal: String { path + "/journal.sqlite" }
  /// Where rewritten repositories' maps, post-mortems and drills' worlds go.
  func directory(_ name: String) throws(CommandFailure) -> String {
    let directory = path + "/" + name
    try create(directory)
    return directory
  }

  /// The key that names secrets (``Fingerprint``).
  func fingerprintKey() throws(CommandFailure) -> FingerprintKey {
    FingerprintKey(SecretBytes(copying: try key("fingerprint.key").exposeAsBytes()))
  }

  /// The operator's key that wraps every run's sealing key.
  func operatorKey() throws(CommandFailure) -> SealingKey {
    SealingKey(id: "operator", bytes: SecretBytes(copying: try key("operator.key").exposeAsBytes()))
  }

  /// The operator's signing identity.
  func identity() throws(CommandFailure) -> LocalIdentity {
    let secret = try key("identity.key")
    do { return try LocalIdentity(secret: secret) } catch {
      throw CommandFailure(
        .configuration, "cannot read \(path)/identity.key",
        because: "it holds no Ed25519 private key (32 bytes)",
        fix: "restore it from a backup, or move it away to get a new identity")
    }
  }

  /// 32 random bytes in a file of this name: read, or made now.
  private func key(_ name: String) throws(CommandFailure) -> Secret {
    let file = path + "/" + name
    try create(path)
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 {
      defer { close(descriptor) }
      var buffer = [UInt8](repeating: 0, count: 33)
      let count = read(descriptor, &buffer, 33)
      guard count == 32 else {
        throw CommandFailure(
          .configuration, "cannot read \(file)", because: "a key has 32 bytes, this file has another size",
          fix: "restore it from a backup; without it, sealed values and fingerprints cannot be read")
      }
      let secret = Secret(SecretBytes(copying: buffer[..<32]))
      for index in buffer.indices { buffer[index] = 0 }
      return secret
    }
    guard errno == ENOENT else { throw unusable(file) }
    return try make(file)
  }

  /// Writes a new key under a temporary name and links it in place, so that two first runs agree on one key.
  private func make(_ file: String) throws(CommandFailure) -> Secret {
    let secret = Secret(SystemRandom.bytes(32))
    let temporary = "\(file).\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw unusable(file) }
    defer { unlink(temporary) }
    let written = secret.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    let synced = fsync(descriptor)
    close(descriptor)
    guard written == 32, synced == 0 else { throw unusable(file) }
    if link(temporary, file) == 0 { return secret }
    guard errno == EEXIST else { throw unusable(file) }
    return try key((file as NSString).lastPathComponent)
  }

  private func create(_ directory: String) throws(CommandFailure) {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CommandFailure(
        .unavailable, "cannot use the state directory \(directory)",
        because: "\((error as NSError).localizedDescription)",
        fix: "make it writable, or choose another: STAUNCH_STATE=/path staunch …")
    }
  }

  private func unusable(_ file: String) -> CommandFailure {
    CommandFailure(
      .unavailable, "cannot use \(file)", because: String(cString: strerror(errno)),
      fix:
        "make the state directory writable and free some space, or choose another: STAUNCH_STATE=/path staunch …"
    )
  }
}

/// The system's secure random generator.
enum SystemRandom {
  /// `count` random bytes.
  static func bytes(_ count: Int) -> SecretBytes {
    var generator = SystemRandomNumberGenerator()
    var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let secret = SecretBytes(copying: bytes)
    for index in bytes.indices { bytes[index] = 0 }
    return secret
  }

  /// A short random name in Crockford's base 32 (no letters that look alike).
  static func name(_ length: Int) -> String {
    let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")
    var generator = SystemRandomNumberGenerator()
    return String((0..<length).map { _ in letters[Int.random(in: 0..<32, using: &generator)] })
  }
}
