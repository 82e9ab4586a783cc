import Cryptography
public import Foundation
import Secrets

/// A secret that one password opens: scrypt (RFC 7914) makes the key of an AES-256-GCM box.
public struct PasswordLock: Sendable, Hashable {
  /// What one guess costs. Memory is 128 · n · r bytes.
  public struct Cost: Sendable, Hashable {
    public let n: Int
    public let r: Int
    public let p: Int

    /// 32 MiB and about 0.1 s: OWASP's password storage advice for scrypt (n = 2^15, r = 8, p = 3).
    public static let standard = Cost(trusted: 1 << 15, 8, 3)

    private init(trusted n: Int, _ r: Int, _ p: Int) {
      self.n = n
      self.r = r
      self.p = p
    }

    /// Nil when `n` is no power of two, or a file asks for more than 256 MiB or for next to nothing.
    public init?(n: Int, r: Int, p: Int) {
      guard n >= 1 << 10, n <= 1 << 18, n & (n - 1) == 0, (1...16).contains(r), (1...16).contains(p),
        128 * n * r <= 256 << 20
      else { return nil }
      self.init(trusted: n, r, p)
    }
  }

  /// 16 random bytes.
  public let salt: Data
  /// Nonce, box and tag.
  public let sealed: Data
  public let cost: Cost

  init(salt: Data, sealed: Data, cost: Cost) {
    self.salt = salt
    self.sealed = sealed
    self.cost = cost
  }

  init(sealing secret: Secret, under password: Secret, bound: Data, cost: Cost) throws(PeopleError) {
    let text = PasswordLock.normalised(password)
    guard text.count >= 12, text.utf8.count <= 1024 else {
      throw PeopleError(
        .password, "set the password", because: "it must have 12 characters or more, and 1024 bytes at most",
        fix: "choose four random words")
    }
    let salt = unsafe Data(SymmetricKey(size: .bits128).withUnsafeBytes { unsafe Array($0) })
    do {
      let key = try PasswordLock.key(text, salt: salt, cost: cost)
      let box = try AES.GCM.seal(secret.exposeAsBytes(), using: key, authenticating: bound)
      self.init(salt: salt, sealed: box.combined, cost: cost)
    } catch {
      throw PeopleError(.file, "seal a key", because: "the cryptographic library refused: \(type(of: error))")
    }
  }

  /// The secret, or nil when the password is wrong.
  func open(_ password: Secret, bound: Data) throws(PeopleError) -> Secret? {
    let text = PasswordLock.normalised(password)
    // Whatever was sent is worked on: neither its length nor its letters shorten the time.
    let key: SymmetricKey
    do { key = try PasswordLock.key(String(text.prefix(1024)), salt: salt, cost: cost) } catch {
      throw PeopleError(.file, "open a key", because: "the cryptographic library refused: \(type(of: error))")
    }
    // A box that does not open is a wrong password (or a changed record): both are "no".
    guard let box = try? AES.GCM.SealedBox(combined: sealed),
      let bytes = try? AES.GCM.open(box, using: key, authenticating: bound)
    else { return nil }
    return Secret(SecretBytes(copying: bytes))
  }

  /// Keyboards compose letters differently; the same password must give the same bytes (RFC 8265 asks for NFC).
  private static func normalised(_ password: Secret) -> String {
    password.exposeAsText().precomposedStringWithCanonicalMapping
  }

  private static func key(_ text: String, salt: Data, cost: Cost) throws -> SymmetricKey {
    try Scrypt.deriveKey(
      from: Array(text.utf8), salt: salt, outputByteCount: 32, rounds: cost.n, blockSize: cost.r,
      parallelism: cost.p)
  }
}
