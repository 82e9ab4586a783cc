import Capabilities
import Cryptography
import Foundation
import Secrets

/// One host row of a user, as the server that judges logins holds it (`SHOW CREATE USER` reads its memory, not a table that
/// somebody may have written to).
struct MariaDBAccount: Sendable, Hashable {
  /// One way in. A row may have several (MariaDB 10.4, `VIA … OR …`).
  struct Method: Sendable, Hashable {
    let plugin: String
    /// The verifier; empty for a plugin that has none, and for an account without a password.
    let text: String
  }

  /// What a row says of one value before anybody tries it.
  enum Judgement: Sendable, Hashable {
    /// Its verifier is there.
    case accepts
    /// Every verifier was computed and is another one.
    case differs
    /// The row has no password: whoever comes without one is let in.
    case open
    /// Somebody else judges (PAM): of whom nothing is known.
    case otherJudge(String)
    /// The verifier cannot be computed here.
    case unseen(String)
  }

  let user: String
  let host: String
  var methods: [Method]
  var isLocked = false
  var isExpired = false
  /// MySQL's second password (`RETAIN CURRENT PASSWORD`), which no statement shows.
  var hasSecond = false

  /// `app@10.%`. Not secret.
  var ref: CredentialRef { CredentialRef("\(user)@\(host)") }

  static let native = "mysql_native_password"
  static let ed25519 = "ed25519"
  /// Ways in that know no password.
  static let withoutPassword: Set = ["unix_socket", "auth_socket", "gssapi", "named_pipe"]
  /// Passwords whose verifier is salted (``MySQLVerifier``).
  static let salted: Set = ["caching_sha2_password", "sha256_password"]

  /// Whether a method takes a password that this row itself keeps a verifier of.
  static func keepsVerifier(_ method: Method) -> Bool {
    method.plugin == native || method.plugin == ed25519 || salted.contains(method.plugin)
  }

  /// Whether the server could let somebody in by it: `invalid` is how MariaDB writes that nobody is.
  static func isWayIn(_ method: Method) -> Bool {
    method.plugin != native || method.text.wholeMatch(of: /\*[0-9A-Fa-f]{40}/) != nil
  }

  /// Whether the row has a password of its own, an empty one too. Others are let in by their user at the system, or by
  /// somebody else's word: no password is added there.
  var takesPasswords: Bool {
    methods.contains { Self.keepsVerifier($0) && ($0.text.isEmpty || Self.isWayIn($0)) }
  }

  func judgement(of secret: Secret) -> Judgement {
    var found = Judgement.differs
    for method in methods where !Self.withoutPassword.contains(method.plugin) {
      let one = Self.judgement(of: secret, by: method)
      if Self.weight(one) > Self.weight(found) { found = one }
    }
    return found
  }

  private static func judgement(of secret: Secret, by method: Method) -> Judgement {
    switch method.plugin {
    case native:
      if method.text.isEmpty { return .open }
      return method.text.uppercased() == MariaDBVerifier.native(secret) ? .accepts : .differs
    case ed25519:
      guard let own = MariaDBVerifier.ed25519(secret) else { return .unseen(method.plugin) }
      return method.text == own ? .accepts : .differs
    case let plugin where salted.contains(plugin):
      if method.text.isEmpty { return .open }
      return MySQLVerifier.isOf(secret, method.text) ? .accepts : .unseen(plugin)
    default: return .otherJudge(method.plugin)
    }
  }

  private static func weight(_ judgement: Judgement) -> Int {
    switch judgement {
    case .differs: 0
    case .unseen: 1
    case .otherJudge: 2
    case .open: 3
    case .accepts: 4
    }
  }

  /// The row's methods without those that take `secret`.
  func methods(without secret: Secret) -> [Method] {
    methods.filter {
      Self.judgement(of: secret, by: $0) != .accepts || Self.withoutPassword.contains($0.plugin)
    }
  }
}

extension MariaDBAccount {
  /// Reads what `SHOW CREATE USER` says, of MariaDB and of MySQL. Nil: it is none.
  /// Sources: https://mariadb.com/kb/en/show-create-user/, https://dev.mysql.com/doc/refman/8.4/en/show-create-user.html
  init?(_ statement: String) {
    var tokens = Token.all(statement)[...]
    func next() -> Token? { tokens.popFirst() }
    guard next() == .word("CREATE"), next() == .word("USER"), case .quoted(let user)? = next(),
      next() == .word("@"), case .quoted(let host)? = next()
    else { return nil }
    self.init(user: user, host: host, methods: [])
    while let token = next() {
      switch token {
      case .word("IDENTIFIED"):
        // BY PASSWORD '…' | VIA plugin [USING '…'] [OR …] | WITH 'plugin' [AS '…']
        let way = next()
        if way == .word("BY") {
          guard next() == .word("PASSWORD"), case .quoted(let text)? = next() else { return nil }
          methods.append(Method(plugin: Self.native, text: text))
          continue
        }
        guard way == .word("VIA") || way == .word("WITH") else { return nil }
        repeat {
          if tokens.first == .word("OR") { tokens.removeFirst() }
          guard let plugin = next()?.text else { return nil }
          var text = ""
          if tokens.first == .word("USING") || tokens.first == .word("AS") {
            tokens.removeFirst()
            guard let verifier = next()?.text else { return nil }
            text = verifier
          }
          methods.append(Method(plugin: plugin, text: text))
        } while tokens.first == .word("OR")
      case .word("ACCOUNT"): isLocked = next() == .word("LOCK")
      case .word("EXPIRE"):
        // EXPIRE DEFAULT, NEVER and INTERVAL … are rules for some day.
        let rule = tokens.first?.text ?? ""
        isExpired = !["DEFAULT", "NEVER", "INTERVAL"].contains(rule)
      default: break
      }
    }
    // Without IDENTIFIED there is no password.
    if methods.isEmpty { methods = [Method(plugin: Self.native, text: "")] }
  }

  private enum Token: Hashable {
    case word(String)
    /// In any of the three quotes.
    case quoted(String)

    var text: String {
      switch self {
      case .word(let text), .quoted(let text): text
      }
    }

    static func all(_ text: String) -> [Token] {
      var found: [Token] = []
      var word = ""
      var rest = Array(text)[...]
      func end() {
        if !word.isEmpty { found.append(.word(word)) }
        word = ""
      }
      while let character = rest.popFirst() {
        switch character {
        case "'", "\"", "`":
          end()
          var quoted = ""
          while let next = rest.popFirst() {
            if next == "\\", character != "`", let escaped = rest.popFirst() {
              quoted.append(escaped)
            } else if next != character {
              quoted.append(next)
            } else if rest.first == character {
              rest.removeFirst()
              quoted.append(character)
            } else {
              break
            }
          }
          found.append(.quoted(quoted))
        case "@":
          end()
          found.append(.word("@"))
        case _ where character.isWhitespace: end()
        default: word.append(character)
        }
      }
      end()
      return found
    }
  }
}

/// What the server keeps instead of a password: computed here, so that neither its logs nor its binlog see the plaintext.
enum MariaDBVerifier {
  /// `'*' + HEX(SHA1(SHA1(password)))`. Source: https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/
  static func native(_ secret: Secret) -> String {
    let once = Insecure.SHA1.hash(data: secret.exposeAsBytes())
    return "*" + Hex.text(Insecure.SHA1.hash(data: once)).uppercased()
  }

  /// The plugin takes SHA-512 of the password where Ed25519 takes that of its seed, so a password of a seed's length is one:
  /// its public key is the verifier. Nil: of another length. Source: plugin/auth_ed25519/ref10/sign.c
  static func ed25519(_ secret: Secret) -> String? {
    let bytes = secret.exposeAsBytes()
    guard bytes.count == 32 else { return nil }
    do throws(CryptographyError) {
      let key = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
      let text = key.publicKey.rawRepresentation.base64EncodedString()
      return String(text.prefix { $0 != "=" })
    } catch { return nil }
  }
}
