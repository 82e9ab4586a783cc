import CLibgit2
import Capabilities

/// One Git configuration file, read without opening the repository (which libgit2 may refuse).
struct ConfigurationFile: Sendable {
  /// Keys in lower case as libgit2 normalises them, in file order.
  let entries: [(key: String, value: String)]

  /// Empty when there is no such file.
  init(path: PathBytes) throws(CapabilityError) {
    try LibgitLibrary.start()
    guard DurableFiles.exists(path) else {
      entries = []
      return
    }
    try ConfigurationChain.check(path)
    var opened: OpaquePointer?
    let status = path.withCString { git_config_open_ondisk(&opened, $0) }
    guard status == 0, let opened else { throw LibgitLibrary.failure(status, "read \(path.text)") }
    defer { git_config_free(opened) }
    var iterator: OpaquePointer?
    let started = git_config_iterator_new(&iterator, opened)
    guard started == 0, let iterator else { throw LibgitLibrary.failure(started, "read \(path.text)") }
    defer { git_config_iterator_free(iterator) }
    var found: [(key: String, value: String)] = []
    var entry: UnsafeMutablePointer<git_config_entry>?
    while true {
      let next = git_config_next(&entry, iterator)
      if next == GIT_ITEROVER.rawValue { break }
      // A list that ends early would lack what forbids to go on.
      guard next == 0, let entry else { throw LibgitLibrary.failure(next, "read \(path.text)") }
      let value = entry.pointee.value.map { String(cString: $0) } ?? "true"
      found.append((String(cString: entry.pointee.name), value))
    }
    entries = found
  }

  /// The last value of `key`, as Git takes it.
  subscript(_ key: String) -> String? { entries.last { $0.key == key }?.value }

  func isTrue(_ key: String) -> Bool {
    guard let value = self[key]?.lowercased() else { return false }
    return ["true", "yes", "on", "1"].contains(value)
  }
}
