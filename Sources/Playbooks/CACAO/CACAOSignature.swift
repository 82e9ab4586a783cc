public import JSON

/// The digest that CACAO signatures are made over.
public enum CACAOSignature {
  /// SHA-256 in lower-case hex of the playbook's canonical form (RFC 8785) with `signature`, without its `value`, as its
  /// only signature. RS256 signs the *text* of this digest. Source: CACAO 2.0 §10.2.
  ///
  /// Never trust the key that the signature itself brings: compare it with one that you know.
  public static func digest(of playbook: JSONValue, signedBy signature: JSONValue) -> String {
    guard case .object(var members) = playbook, case .object(var signing) = signature else {
      return Playbook.digest(of: playbook.canonicalText)
    }
    signing["value"] = nil
    members["signatures"] = [.object(signing)]
    return Playbook.digest(of: JSONValue.object(members).canonicalText)
  }
}
