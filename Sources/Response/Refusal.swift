package import Capabilities
package import Incidents
package import StaunchConfiguration

/// Why something is not done: what, why, and the next command or edit. The exit code that it gives is the command line's affair.
package struct Refusal: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    case usage, invalidInput, unavailable
    /// By a rule, for safety.
    case declined
    /// staunch.yaml, or a file beside it, is incomplete.
    case configuration
  }

  package let kind: Kind
  package let what: String
  package let because: String
  package let fix: String?

  package init(_ kind: Kind, _ what: String, because: String, fix: String? = nil) {
    self.kind = kind
    self.what = what
    self.because = because
    self.fix = fix
  }

  package var description: String { "\(what): \(because)" + (fix.map { "; fix: \($0)" } ?? "") }
}

extension Refusal {
  /// `name` stands nowhere under `credentials:`.
  package static func noCredential(_ name: CredentialName, in configuration: Configuration) -> Refusal {
    let names = configuration.credentials.keys.map(\.rawValue).sorted()
    return Refusal(
      .invalidInput, "there is no credential \"\(harmless(name.rawValue))\"",
      because: names.isEmpty
        ? "staunch.yaml has nothing under credentials:"
        : "staunch.yaml has: \(names.joined(separator: ", "))",
      fix: names.isEmpty ? "add it there, then: staunch doctor" : "name one of them")
  }
}
