import Capabilities

/// What Git's files say for a repository, told apart by who wrote it: the user and the machine's administrator, or the repository.
struct RepositorySettings: Sendable {
  struct Entry: Sendable, Equatable {
    /// As Git lists it: section and name in lower case.
    let key: String
    /// nil: a key without `=`, which means true.
    let value: String?
  }

  /// Of the user and the system, what their conditions (`includeIf`) bring in for this repository among it.
  private(set) var user: [Entry] = []
  /// Of the repository, those that only describe it.
  private(set) var own: [Entry] = []
  /// Keys of the repository that do not count: they name programs or lead elsewhere, or are not known not to.
  private(set) var ignored: [String] = []

  /// Asks `git config`, which reads and starts nothing.
  static func read(_ layout: RepositoryLayout, git: GitProgram) async throws(CapabilityError)
    -> RepositorySettings
  {
    let outcome = try await git.run(["config", "--list", "--null", "--show-scope"], in: layout.standing)
    guard outcome.status == 0 else {
      throw CapabilityError(
        .invalid, "read the settings of \(layout.common.text)",
        because: "git cannot read them (status \(outcome.status))",
        fix: "see what it says: git -C '\(layout.standing.text)' config --list")
    }
    return RepositorySettings(listing: outcome.output)
  }

  /// - Parameter listing: scope, NUL, key, line feed, value, NUL, and so on.
  init(listing: [UInt8]) {
    let fields = listing.split(separator: 0, omittingEmptySubsequences: false)
    for index in stride(from: 0, to: fields.count - 1, by: 2) {
      let scope = String(decoding: fields[index], as: UTF8.self)
      let parts = fields[index + 1].split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
      let entry = Entry(
        key: String(decoding: parts[0], as: UTF8.self),
        value: parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : nil)
      switch scope {
      // Given by environment: the command gets it in any case.
      case "command": continue
      // What they include is listed in its place.
      case "system", "global":
        if !entry.key.hasPrefix("include.") && !entry.key.hasPrefix("includeif.") { user.append(entry) }
      default:
        if Self.describes(entry.key) { own.append(entry) } else { ignored.append(entry.key) }
      }
    }
  }

  /// Settings that say what the repository is and where its remotes are. A list of what is allowed: what Git learns to start
  /// tomorrow is not on it.
  private static func describes(_ key: String) -> Bool {
    let parts = key.split(separator: ".", omittingEmptySubsequences: false)
    guard let section = parts.first, let name = parts.last, parts.count > 1 else { return false }
    switch section {
    case "core": return parts.count == 2 && core.contains(String(name))
    case "extensions": return true
    case "remote": return parts.count > 2 && remote.contains(String(name))
    case "branch": return parts.count > 2 && ["remote", "merge", "rebase", "pushremote"].contains(name)
    // A header for the remote's own server: how CI gives its token.
    case "http": return name == "extraheader"
    case "user": return ["name", "email"].contains(name)
    default: return false
    }
  }

  private static let core: Set<String> = [
    "repositoryformatversion", "filemode", "bare", "logallrefupdates", "symlinks", "ignorecase",
    "precomposeunicode", "protecthfs", "protectntfs", "autocrlf", "eol", "safecrlf", "checkroundtripencoding",
    "quotepath", "trustctime", "checkstat", "bigfilethreshold", "compression", "sharedrepository",
    "sparsecheckout", "sparsecheckoutcone", "abbrev",
  ]
  private static let remote: Set<String> = [
    "url", "pushurl", "fetch", "mirror", "prune", "prunetags", "tagopt",
  ]

  /// Those among ``ignored`` that Git would start a program for, or be led elsewhere by, when it changes files or commits.
  var startsPrograms: [String] {
    let sections = [
      "alias.", "color.", "gui.", "pull.", "push.", "rerere.", "advice.", "column.", "log.", "status.",
      "lfs.",
      "submodule.", "init.", "format.", "branch.", "user.", "index.", "pack.", "gc.", "receive.", "transfer.",
      "fetch.", "rebase.", "notes.", "stash.", "blame.", "i18n.", "remote.pushdefault",
    ]
    // Hooks and the file system monitor are off in any case.
    return ignored.filter { key in
      key != "core.hookspath" && key != "core.fsmonitor" && !sections.contains { key.hasPrefix($0) }
    }
  }

  /// A configuration file with `entries`.
  static func file(_ entries: [Entry]) -> String {
    entries.map { entry in
      let section = entry.key.prefix { $0 != "." }
      let rest = entry.key.dropFirst(section.count + 1)
      let name = rest.split(separator: ".", omittingEmptySubsequences: false).last ?? rest
      let subsection = rest.dropLast(name.count + 1)
      let head =
        rest.count == name.count
        ? "[\(section)]" : "[\(section) \"\(escaped(String(subsection), newLine: "\n"))\"]"
      guard let value = entry.value else { return "\(head)\n\t\(name)\n" }
      return "\(head)\n\t\(name) = \"\(escaped(value, newLine: "\\n"))\"\n"
    }.joined()
  }

  private static func escaped(_ text: String, newLine: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: newLine)
  }
}
