/// Values that look like the real thing, made anew for each drill and valid nowhere but in its sandbox.
///
/// Scanners find them: the OpenAI shape has its marker, the password stands in a connection URI.
enum DecoySecret {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

  /// A project key, in the shape that scanners know.
  static func openAIKey() -> String { "sk-" + "proj-" + text(74) + "T3Blbk" + "FJ" + text(74) }

  /// A key of a service account.
  static func openAIServiceKey() -> String { "sk-" + "svcacct-" + text(74) + "T3Blbk" + "FJ" + text(74) }

  /// A key that manages the organisation.
  static func openAIAdminKey() -> String { "sk-" + "admin-" + text(74) + "T3Blbk" + "FJ" + text(74) }

  /// The secret half of an AWS access key.
  static func awsSecretKey() -> String { text(40) }

  /// A personal access token of Docker Hub.
  static func dockerHubToken() -> String { "dckr_" + "pat_" + text(27) }

  /// A password without characters that a URI would escape.
  static func password() -> String { text(28) }

  /// `whsec_` and base64 of 24 random bytes (Standard Webhooks).
  static func webhookSecret() -> String { "whsec_" + text(32) }

  /// `count` random letters and digits.
  static func text(_ count: Int) -> String {
    var generator = SystemRandomNumberGenerator()
    return String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
  }
}
