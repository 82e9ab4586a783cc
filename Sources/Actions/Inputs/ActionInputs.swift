import Capabilities
import Foundation
import Incidents
import JSON
import Secrets

/// Reads the evaluated `with:` by type. The playbook was checked against the signature, so a miss means a value that
/// is not known yet (while planning) or a null.
extension ActionCall {
  /// The input when it is given and known.
  func known(_ name: String) -> Value? {
    switch inputs[name] {
    case nil, .null?, .unknown?: nil
    case let value?: value
    }
  }

  func credential(_ name: String = "credential") throws(CapabilityError) -> CredentialName {
    guard case .credential(let value)? = known(name) else { throw missing(name, .credential) }
    return value
  }

  func store(_ name: String = "store") throws(CapabilityError) -> StoreName {
    guard case .store(let value)? = known(name) else { throw missing(name, .store) }
    return value
  }

  func consumer(_ name: String = "consumer") throws(CapabilityError) -> ConsumerName {
    guard case .consumer(let value)? = known(name) else { throw missing(name, .consumer) }
    return value
  }

  func repository(_ name: String = "repository") throws(CapabilityError) -> RepositoryName {
    guard case .repository(let value)? = known(name) else { throw missing(name, .repository) }
    return value
  }

  func tracker(_ name: String = "tracker") throws(CapabilityError) -> TrackerName {
    guard case .tracker(let value)? = known(name) else { throw missing(name, .tracker) }
    return value
  }

  func secretRef(_ name: String = "secret") throws(CapabilityError) -> SecretRef {
    guard case .secret(let value)? = known(name) else { throw missing(name, .secret) }
    return value
  }

  /// The value behind the handle.
  func secret(_ name: String = "secret") async throws(CapabilityError) -> Secret {
    try await secrets.secret(try secretRef(name))
  }

  /// The handles of one secret or of a list; never empty: a verdict on no value would be about nothing.
  func secretRefs(_ name: String = "secret") throws(CapabilityError) -> [SecretRef] {
    let elements: [Value]
    switch known(name) {
    case .secret(let ref)?: return [ref]
    case .list(let values)?: elements = values
    default: throw missing(name, .list(.secret))
    }
    var found: [SecretRef] = []
    for element in elements {
      guard case .secret(let ref) = element else { throw missing(name, .list(.secret)) }
      if !found.contains(ref) { found.append(ref) }
    }
    guard !found.isEmpty else {
      throw CapabilityError(
        .invalid, "step \(step)", because: "the input \"\(name)\" holds no secret",
        fix: "hand over the incident's leaked values: \(name): \"${{ inputs.leaked }}\"")
    }
    return found
  }

  /// The values behind the handles of one secret or of a list, in order.
  func secrets(_ name: String = "secret") async throws(CapabilityError) -> [Secret] {
    var found: [Secret] = []
    for ref in try secretRefs(name) { found.append(try await secrets.secret(ref)) }
    return found
  }

  /// The leaked values of an input; nil where the step does not name them.
  func leak(_ name: String) async throws(CapabilityError) -> Leak? {
    known(name) == nil ? nil : Leak(values: try await secrets(name))
  }

  /// The credential that the input `secret` names: the first of several values that the provider knows names it for all,
  /// because values of one credential share its public id. When all are refused by now, the account that the entry is
  /// about.
  /// - Throws: what the provider said of the last value that it does not know.
  func subject(by provider: any CredentialProvider) async throws(CapabilityError) -> Subject {
    if let given = optionalRef() { return try await provider.subject(given) }
    return try await provider.subject(of: Leak(values: try await secrets()), isAccountsOwn: true)
  }

  func text(_ name: String) throws(CapabilityError) -> String {
    guard let text = optionalText(name) else { throw missing(name, .string) }
    return text
  }

  func optionalText(_ name: String) -> String? {
    switch known(name) {
    case .string(let text)?, .url(let text)?: text
    default: nil
    }
  }

  func timestamp(_ name: String) throws(CapabilityError) -> Date {
    guard case .timestamp(let date)? = known(name) else { throw missing(name, .timestamp) }
    return date
  }

  func optionalRef(_ name: String = "ref") -> CredentialRef? { optionalText(name).map { CredentialRef($0) } }

  /// A mapping of names to text; empty when absent.
  func texts(_ name: String) throws(CapabilityError) -> [String: String] {
    guard let value = known(name) else { return [:] }
    guard case .record(let members) = value else { throw missing(name, .any) }
    var texts: [String: String] = [:]
    for (key, member) in members {
      switch member {
      case .string(let text), .url(let text): texts[key] = text
      case .integer(let number): texts[key] = String(number)
      default: throw missing("\(name).\(key)", .string)
      }
    }
    return texts
  }

  func textList(_ name: String) throws(CapabilityError) -> [String] {
    guard case .list(let elements)? = known(name) else { throw missing(name, .list(.string)) }
    var texts: [String] = []
    for element in elements {
      switch element {
      case .string(let text), .url(let text): texts.append(text)
      case .integer(let number): texts.append(String(number))
      default: throw missing(name, .list(.string))
      }
    }
    return texts
  }

  /// The handle of the secret that this call makes; another attempt makes another one.
  var newSecret: SecretRef { SecretRef("\(marker).\(attempt)") }

  /// The handle of one field of it.
  func newField(_ field: String) -> SecretRef { SecretRef("\(newSecret)/\(field)") }

  func missing(_ name: String, _ type: ValueType) -> CapabilityError {
    CapabilityError(
      .invalid, "step \(step)", because: "the input \"\(name)\" is not known or is no \(type)",
      fix: "see what the step before it gave: staunch show \(incident?.rawValue ?? run.rawValue)")
  }
}

extension CapabilityError {
  /// A phase that the action does not have: our own mistake, said instead of passed over.
  static func noPhase(_ phase: String, of action: String) -> CapabilityError {
    CapabilityError(.invalid, action, because: "it has no phase \"\(phase)\"")
  }
}

extension Value {
  /// `text`, or null.
  static func optional(_ text: String?) -> Value { text.map { .string($0) } ?? .null }
}
