package import Capabilities
import CredentialProviders
import Foundation
package import Incidents
import JSON

/// The line for staunch.yaml that a leak lacks: an entry under `credentials:`, filled with what the leak says of itself.
package struct ReadyEntry {
  package let kind: CredentialKind
  package let handle: String?
  /// Names that entries of staunch.yaml have already: a key that stands there twice is an error.
  var taken: Set<CredentialName> = []

  /// `openai-api-key: {kind: openai, project: PROJECT, admin_key: env:ADMIN_KEY, store: STORE, key: KEY}`: valid YAML on one
  /// line. What only a person knows stands in capitals, so that doctor names each that was left as it is.
  ///
  /// - Throws: `.configuration` when the built-in file of its provider cannot be read.
  package func line() throws(CapabilityError) -> String {
    var provider = GenericCredential.kind
    var settings = GenericCredential.settings
    if let its = self.provider, let known = try CredentialProviderRegistry.settings(of: its) {
      (provider, settings) = (its, known)
    }
    var members: [(String, String)] = [("kind", provider)]
    if provider == GenericCredential.kind { members.append(("leaks", "[\(Self.quoted(kind.rawValue))]")) }
    let said = said(provider)
    for setting in settings where setting.isRequired || said[setting.key] != nil {
      members.append(
        (
          setting.key,
          said[setting.key] ?? (setting.isSecretReference ? "env:" : "") + setting.key.uppercased()
        ))
    }
    members += [("store", "STORE"), ("key", "KEY")]
    return "\(name): {" + members.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
  }

  /// The provider that rotates this kind, when staunch has it.
  private var provider: String? { KindTable.builtin.row(of: kind)?.provider }

  private var name: String {
    let words = handle.map { $0.prefix { $0 != "@" && $0 != ":" } }.map(String.init) ?? kind.rawValue
    let plain = String(words.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
      .trimmingCharacters(in: CharacterSet(charactersIn: "-"))
    let name = plain.contains { $0.isLetter } ? plain : kind.rawValue.replacing("_", with: "-")
    guard taken.contains(CredentialName(name)) else { return name }
    return (2...).lazy.map { "\(name)-\($0)" }.first { !taken.contains(CredentialName($0)) } ?? name
  }

  /// `user@host:port/database` in the words of the settings.
  private func said(_ provider: String) -> [String: String] {
    guard let handle else { return [:] }
    switch provider {
    case GCPServiceAccountKey.kind:
      let account = handle.prefix { $0 != "/" }
      guard let at = account.firstIndex(of: "@") else { return [:] }
      let domain = account[account.index(after: at)...]
      var said = ["account": Self.quoted(String(account))]
      if domain.hasSuffix(".iam.gserviceaccount.com") {
        said["project"] = Self.quoted(String(domain.prefix { $0 != "." }))
      }
      return said
    case AzureStorageKey.kind: return ["account": Self.quoted(handle)]
    default: break
    }
    guard CredentialReading.uriKinds.contains(kind) else {
      return ["id": Self.quoted(handle), "key_id": Self.quoted(handle)]
    }
    var said: [String: String] = [:]
    var rest = Substring(handle)
    if let at = rest.lastIndex(of: "@") {
      let user = Self.quoted(String(rest[..<at]))
      said["role"] = user
      said["user"] = user
      rest = rest[rest.index(after: at)...]
    }
    if let slash = rest.firstIndex(of: "/") {
      said["database"] = Self.quoted(String(rest[rest.index(after: slash)...]))
      rest = rest[..<slash]
    }
    if let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]) {
      said["port"] = String(port)
      rest = rest[..<colon]
    }
    if !rest.isEmpty { said["host"] = Self.quoted(String(rest)) }
    return said
  }

  /// As it is where YAML takes it so, else in quotes (JSON's strings are YAML's).
  private static func quoted(_ text: String) -> String {
    let isPlain =
      text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
      && text.first?.isLetter == true && !["true", "false", "null"].contains(text.lowercased())
    return isPlain ? text : JSONValue.quoted(text)
  }
}
