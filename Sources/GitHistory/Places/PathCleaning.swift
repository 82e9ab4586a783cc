import Capabilities
import GitObjects
import Secrets

/// Paths of several components: the engine cleans one name of a tree at a time.
struct PathCleaning: Sendable {
  let patterns: SecretPatterns
  /// What the rewrite called names that held a secret (it keeps two cleaned names apart).
  var renamed: [String: String] = [:]

  /// `path` with every component cleaned, or nil when none holds a secret.
  func cleaned(_ path: [UInt8]) throws(CapabilityError) -> [UInt8]? {
    var isChanged = false
    var components: [[UInt8]] = []
    for part in path.split(separator: 0x2F, omittingEmptySubsequences: false) {
      let name = Array(part)
      if let new = String(validating: name, as: UTF8.self).flatMap({ renamed[$0] }) {
        isChanged = true
        components.append(Array(new.utf8))
      } else if let new = try patterns.clean(name, as: .path) {
        isChanged = true
        components.append(new)
      } else {
        components.append(name)
      }
    }
    return isChanged ? Array(components.joined(separator: [0x2F])) : nil
  }

  /// For people: without secrets and control characters.
  func shown(_ path: [UInt8]) -> String {
    do {
      let byName = try cleaned(path) ?? path
      // A secret with a `/` in it spans components.
      let clean = try patterns.clean(byName, as: .blob) ?? byName
      return String(decoding: clean.map { $0 < 0x20 || $0 == 0x7F ? 0x3F : $0 }, as: UTF8.self)
    } catch {
      return "(a name that cannot be searched)"  // the search itself has failed, too
    }
  }
}

extension SecretPatterns {
  /// As `cleaned(_:as:)`, with the port's error.
  func clean(_ bytes: [UInt8], as place: ObjectHit.Place) throws(CapabilityError) -> [UInt8]? {
    try engine { () throws(GitObjectsError) in try cleaned(bytes, as: place) }
  }

  /// How the first secret in a name stands there; nil when there is none.
  func form(in name: [UInt8]) throws(CapabilityError) -> String? {
    try engine { () throws(GitObjectsError) in try hits(in: name).first?.form.rawValue }
  }
}
