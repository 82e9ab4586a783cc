import GitObjects

/// Paths of several components: the engine cleans one name of a tree at a time.
struct PathCleaning: Sendable {
  let patterns: SecretPatterns
  /// What the rewrite called names that held a secret (it keeps two cleaned names apart).
  var renamed: [String: String] = [:]

  /// `path` with every component cleaned, or nil when none holds a secret.
  func cleaned(_ path: [UInt8]) -> [UInt8]? {
    var isChanged = false
    let components = path.split(separator: 0x2F, omittingEmptySubsequences: false).map { part -> [UInt8] in
      let name = Array(part)
      if let new = String(validating: name, as: UTF8.self).flatMap({ renamed[$0] }) {
        isChanged = true
        return Array(new.utf8)
      }
      guard let new = patterns.cleaned(name, as: .path) else { return name }
      isChanged = true
      return new
    }
    return isChanged ? Array(components.joined(separator: [0x2F])) : nil
  }

  /// For people: without secrets and control characters.
  func shown(_ path: [UInt8]) -> String {
    let byName = cleaned(path) ?? path
    let clean = patterns.cleaned(byName) ?? byName  // a secret with a `/` in it spans components
    return String(decoding: clean.map { $0 < 0x20 || $0 == 0x7F ? 0x3F : $0 }, as: UTF8.self)
  }
}
