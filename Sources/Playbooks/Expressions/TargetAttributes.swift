public import Capabilities

/// The facts about targets that an expression may ask for (`inputs.credential.lock`).
public enum TargetAttributes {
  /// One fact.
  public struct Attribute: Sendable, Hashable {
    public let name: String
    public let type: ValueType
    /// One sentence for the reference.
    public let summary: String
    init(_ name: String, _ type: ValueType, _ summary: String) {
      self.name = name
      self.type = type
      self.summary = summary
    }
  }

  /// The attributes of a type, in the order of the reference; empty for types that have none.
  public static func attributes(of type: ValueType) -> [Attribute] {
    switch type {
    case .credential: credential
    case .incident: incident
    case .repository:
      named + [
        Attribute("path", .string, "where it lies on this machine"),
        Attribute("remote", .string, "the remote that it is pushed to"),
      ]
    case .store, .consumer: named
    case .tracker: named + [Attribute("is_public", .boolean, "whether everyone can read it")]
    case .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .list, .any: []
    }
  }

  private static let named = [
    Attribute("name", .string, "its key in staunch.yaml"),
    Attribute("kind", .string, "its adapter, the word after `kind:`"),
  ]

  private static let credential =
    named + [
      Attribute(
        "lock", .string, "what a lock on it is called; two runs with the same text exclude each other"),
      Attribute("overlap", .string, "`none` (issuing ends the old one), `alternate` or `several`"),
      Attribute("disable", .string, "`reversible`, `irreversible` or `none`"),
      Attribute("sessions", .string, "`end`, `expire` or `none`"),
      Attribute(
        "issuing", .string, "`generated`, `named`, `unnamed`, `rotated`, `slot`, `leased` or `human`"),
      Attribute("authority", .string, "`self`, `admin`, `human` or `local`"),
    ]

  private static let incident = [
    Attribute("id", .string, "`inc-` and eight characters"),
    Attribute("codename", .string, "a neutral name, fit for a public title"),
    Attribute("kind", .string, "the kind of credential, for example `openai_api_key`"),
    Attribute("severity", .string, "`sev1` (worst) to `sev4`"),
    Attribute(
      "first_seen", .timestamp,
      "date of the first commit with it, the start of the exposure window; null when none is known"),
    Attribute("detected", .timestamp, "when the finding arrived"),
  ]
}
