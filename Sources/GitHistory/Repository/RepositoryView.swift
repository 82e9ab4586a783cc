import Capabilities
import Foundation

/// A git directory of ours that shows a repository's objects, references and index under the settings that a repository may make
/// for itself; the user's own settings stay as they are.
///
/// Git has no switch that leaves out `.git/config`, and many of its keys start programs (filters, `core.sshCommand`, credential
/// helpers, remote helpers): so it gets another one. Removed when this value goes.
final class RepositoryView: Sendable {
  /// What makes `git` use it.
  let environment: [String: String]
  let settings: RepositorySettings
  private let place: TemporaryPlace
  var path: PathBytes { place.path }

  /// - Parameter tree: whose HEAD and index; nil: the main one's.
  init(_ layout: RepositoryLayout, at tree: RepositoryLayout.WorkTree?, git: GitProgram)
    async throws(CapabilityError)
  {
    settings = try await RepositorySettings.read(layout, git: git)
    let tree = tree ?? layout.workTrees.first
    let source = tree?.gitDirectory ?? layout.common
    place = try TemporaryPlace(.view, in: git.temporaryDirectory)
    let path = place.path
    for name in ["objects", "refs", "packed-refs", "info", "logs", "shallow"] {
      try RepositoryView.link(path / name, to: layout.common / name)
    }
    // Git takes a link here for a reference of the old kind, so HEAD is a copy.
    try RepositoryView.write(try DurableFiles.read(source / "HEAD"), to: path / "HEAD")
    try RepositoryView.write(Array(RepositorySettings.file(settings.own).utf8), to: path / "config")
    try RepositoryView.write(Array(RepositorySettings.file(settings.user).utf8), to: path / "user")
    var environment = [
      "GIT_DIR": path.text, "GIT_INDEX_FILE": (source / "index").text,
      "GIT_CONFIG_GLOBAL": (path / "user").text, "GIT_CONFIG_NOSYSTEM": "1",
    ]
    if let root = tree?.root { environment["GIT_WORK_TREE"] = root.text }
    self.environment = environment
  }

  /// The user's settings alone, for a command in a repository of ours.
  var userSettings: [String: String] {
    environment.filter { ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"].contains($0.key) }
  }

  private static func link(_ link: PathBytes, to target: PathBytes) throws(CapabilityError) {
    guard DurableFiles.exists(target) else { return }
    let result = target.withCString { source in link.withCString { symlink(source, $0) } }
    guard result == 0 else { throw DurableFiles.failure("symlink", link) }
  }

  private static func write(_ bytes: [UInt8], to path: PathBytes) throws(CapabilityError) {
    guard try DurableFiles.createExclusively(path, with: bytes) else {
      throw DurableFiles.failure("create", path)
    }
  }
}

extension GitProgram {
  /// Runs `git` in the repository `layout`. Of its own settings only those count that describe it, unless the user trusts it.
  ///
  /// - Parameter tree: the work tree, where it matters which.
  func run(
    _ arguments: [[UInt8]], of layout: RepositoryLayout, at tree: RepositoryLayout.WorkTree? = nil,
    contacting contact: Contact = .nobody, input: [UInt8] = [], more: [String: String] = [:],
    settings: [(key: String, value: String)] = [], deadline: Duration = .seconds(3600)
  ) async throws(CapabilityError) -> Outcome {
    let directory = tree?.root ?? layout.standing
    guard !trust.covers(layout) else {
      var outcome = try await run(
        arguments, in: directory, contacting: contact, input: input, more: more, settings: settings,
        deadline: deadline)
      outcome.repository = layout.standing.text
      return outcome
    }
    let view = try await RepositoryView(layout, at: tree, git: self)
    defer { withExtendedLifetime(view) {} }
    var outcome = try await run(
      arguments, in: directory, contacting: contact, input: input,
      more: view.environment.merging(more) { _, new in new }, settings: settings, deadline: deadline)
    outcome.ignored = view.settings.ignored
    outcome.repository = layout.standing.text
    return outcome
  }

  /// The same, for arguments that are plain text.
  func run(
    _ arguments: [String], of layout: RepositoryLayout, at tree: RepositoryLayout.WorkTree? = nil,
    contacting contact: Contact = .nobody, settings: [(key: String, value: String)] = [],
    deadline: Duration = .seconds(3600)
  ) async throws(CapabilityError) -> Outcome {
    try await run(
      arguments.map { Array($0.utf8) }, of: layout, at: tree, contacting: contact, settings: settings,
      deadline: deadline)
  }
}
