public import Secrets

/// Tells values that may be a secret and may be an ordinary word of any text. They are replaced wherever they stand, so a
/// person has to see what that means before it is done.
public enum OrdinaryValue {
  /// What is ordinary about `value`, in words that do not give it away; nil for a value that no text holds by chance.
  public static func remark(on value: [UInt8]) -> String? {
    let trimmed = value.drop { $0 == 0x20 || $0 == 0x09 }
    if value.count < shortest { return "short (\(value.count == 1 ? "1 byte" : "\(value.count) bytes"))" }
    if trimmed.count < shortest { return "short (besides its spaces)" }
    var hasLower = false, hasUpper = false, hasDigit = false, hasOther = false, hasSpace = false
    var distinct: Set<UInt8> = []
    for byte in trimmed {
      distinct.insert(byte)
      switch byte {
      case 0x61...0x7A: hasLower = true
      case 0x41...0x5A: hasUpper = true
      case 0x30...0x39: hasDigit = true
      case 0x20, 0x09: hasSpace = true
      default: hasOther = true
      }
    }
    if distinct.count < 5 { return "a repetition of few characters" }
    let word = trimmed.filter { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
      .map { $0 | 0x20 }
    if let text = String(validating: word, as: UTF8.self), commonPasswords.contains(text), trimmed.count < 16
    {
      return "a common word"
    }
    if hasDigit && (hasLower || hasUpper) && !hasSpace { return nil }
    if hasDigit && !hasLower && !hasUpper && !hasSpace && !hasOther {
      return trimmed.count < 12 ? "a number" : nil
    }
    // Letters alone, or words with signs between them: a passphrase has more of them than a line of a program.
    let isMixed = hasLower && hasUpper && !hasSpace && !hasOther
    if isMixed && trimmed.count >= 16 { return nil }
    return trimmed.count < 20 || hasSpace && trimmed.count < 28 ? "an ordinary word or line of text" : nil
  }

  private static let shortest = 8

  /// What is chosen, set by default or named so often that texts are full of it.
  private static let commonPasswords: Set<String> = [
    "password", "passwort", "passwd", "admin", "administrator", "root", "secret", "test", "testing",
    "changeme",
    "postgres", "postgresql", "mysql", "mariadb", "redis", "mongodb", "rabbitmq", "oracle", "welcome",
    "letmein",
    "default", "example", "qwerty", "qwertz", "guest", "user", "username", "master", "login", "public",
    "private",
    "database", "server", "service", "localhost", "token", "apikey", "docker", "vagrant", "jenkins", "ubuntu",
  ]
}

extension SecretPatterns {
  /// Remarks on literals and secrets that may be ordinary text, by the expression's index.
  public var ordinary: [Int: String] {
    var remarks: [Int: String] = [:]
    for (index, expression) in expressions.enumerated() {
      switch expression.matcher {
      case .secret(let secret), .literal(let secret):
        remarks[index] = OrdinaryValue.remark(on: secret.exposeAsBytes())
      case .regex: continue  // whoever writes an expression says what it is to match
      }
    }
    return remarks
  }
}
