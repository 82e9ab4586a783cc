import Foundation
import JSON
public import Secrets

/// Where a secret of a route is: never the secret itself.
public enum SecretReference: Sendable, Hashable, CustomStringConvertible {
  /// An environment variable: `env:NAME`.
  case environment(String)
  /// A file, its last line end left out: `file:/path`.
  case file(String)
  /// A file in systemd's `$CREDENTIALS_DIRECTORY`: `credential:NAME`.
  case credential(String)
  /// A member of the JSON object that the parent process wrote into `--secrets-fd`: `inherited:NAME`.
  case inherited(String)

  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    let name = String(parts[1])
    switch parts[0] {
    case "env": self = .environment(name)
    case "file" where name.hasPrefix("/"): self = .file(name)
    case "credential" where !name.contains("/"): self = .credential(name)
    case "inherited": self = .inherited(name)
    default: return nil  // no secret is taken from anywhere else
    }
  }

  public var description: String {
    switch self {
    case .environment(let name): "env:\(name)"
    case .file(let path): "file:\(path)"
    case .credential(let name): "credential:\(name)"
    case .inherited(let name): "inherited:\(name)"
    }
  }
}

/// What references point into: handed in by `main`, read once at start.
public struct SecretSources: Sendable {
  private let environment: [String: String]
  private let inherited: [String: Secret]

  public init(environment: [String: String] = [:], inherited: [String: Secret] = [:]) {
    self.environment = environment
    self.inherited = inherited
  }

  /// - Parameter document: `{"NAME": "secret", …}`, as the parent process wrote it.
  /// - Throws: ``SettingsError``.
  public init(environment: [String: String], inheritedDocument document: [UInt8]) throws(SettingsError) {
    var secrets: [String: Secret] = [:]
    if !document.isEmpty {
      let value: JSONValue
      do throws(JSONError) { value = try JSONValue(parsing: document) } catch {
        throw SettingsError("--secrets-fd", because: "what came in is no JSON object of texts")
      }
      for (name, member) in value.object ?? [:] {
        guard let text = member.string else {
          throw SettingsError("--secrets-fd", because: "the member \(name) is no text")
        }
        secrets[name] = Secret(text)
      }
    }
    self.init(environment: environment, inherited: secrets)
  }

  /// The secret behind `reference`.
  /// - Throws: ``SettingsError`` when it is missing or empty: a route without a secret would accept everybody.
  public func secret(_ reference: SecretReference, at place: String) throws(SettingsError) -> Secret {
    let found: Secret?
    switch reference {
    case .environment(let name): found = environment[name].map { Secret($0) }
    case .file(let path): found = try SecretSources.read(path, reference, at: place)
    case .credential(let name):
      if let directory = environment["CREDENTIALS_DIRECTORY"] {
        found = try SecretSources.read(directory + "/" + name, reference, at: place)
      } else {
        found = nil
      }
    case .inherited(let name): found = inherited[name]
    }
    guard let found, !found.isEmpty else {
      throw SettingsError(
        place, because: "the secret \(reference) is missing or empty",
        fix: "set it; without it this route would accept everybody, so nothing is served")
    }
    return found
  }

  /// nil: there is no such file.
  private static func read(_ path: String, _ reference: SecretReference, at place: String)
    throws(SettingsError) -> Secret?
  {
    guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
    do throws(SecretText.Refusal) { return try SecretText.secret(Array(bytes)) } catch {
      throw SettingsError(
        place, because: "the secret \(reference) cannot be used: \(error.because)", fix: error.fix)
    }
  }
}
