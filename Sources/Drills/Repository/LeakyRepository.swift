import Foundation

/// The case: a file with credentials in it, committed and pushed.
///
/// The values sit in several commits, two branches, a merge, an annotated tag's message, a note, a stash, a notebook's
/// output cell and, as base64, in another file. The last commit "removed" them.
struct LeakyRepository: Sendable {
  /// Where decoys stand, for the report.
  struct Place: Sendable {
    let commit: String
    let file: LeakyContents.File
  }

  /// Of the repository, in staunch.yaml and in the report.
  let name: String
  let path: String
  /// The bare remote that it was pushed to.
  let remote: String
  let places: [Place]

  /// Creates both below `directory`.
  static func create(in directory: String, _ contents: LeakyContents) async throws(DrillError)
    -> LeakyRepository
  {
    let path = directory + "/" + contents.name
    let remote = directory + "/remote.git"
    try Folder.create(path)
    try Folder.create(remote)
    let git = GitCommand(directory: path)
    try await GitCommand(directory: remote)("init", "-q", "--bare")
    try await git("init", "-q")
    try await git("remote", "add", "origin", remote)
    let work = Folder(path: path)

    for (file, text) in contents.ordinary { try work.write(file, text) }
    try await commit(git, "Start the project")

    try work.write(contents.main.path, contents.main.text)
    let first = try await commit(git, "Add the first version")

    try await git("switch", "-q", "-c", "experiment")
    try work.write(contents.main.path, contents.main.text + contents.experiment)
    try work.write(contents.branchFile.path, contents.branchFile.text)
    let second = try await commit(git, "Try something else")

    try await git("switch", "-q", "main")
    try work.write(contents.notebook.path, contents.notebook.text)
    let third = try await commit(git, "Add the exploration notebook")
    try work.write(contents.encoded.path, contents.encoded.text)
    let fourth = try await commit(git, "Deploy it")

    try work.write(".git/drill-message", contents.tagMessage)
    try await git("tag", "-a", "v0.1", "-F", ".git/drill-message")
    try await git("merge", "-q", "--no-ff", "-m", "Merge the experiment", "experiment")
    try work.write(".git/drill-message", contents.note)
    try await git("notes", "add", "-F", ".git/drill-message", first)
    try work.remove(".git/drill-message")

    try work.write(contents.main.path, contents.cleanMain)
    try work.write(contents.notebook.path, contents.cleanNotebook)
    try await git.run(["rm", "-q", "-r"] + contents.removed)
    try await commit(git, "Remove the secrets")

    try work.write(contents.stashed.path, contents.stashed.text)
    try await git("add", contents.stashed.path)
    try await git("stash", "push", "-q", "-m", "local settings")
    try await git(
      "push", "-q", "origin", "main", "experiment", "refs/tags/v0.1", "refs/notes/commits")
    try await git("fetch", "-q", "origin")
    try await git("branch", "-q", "--set-upstream-to=origin/main", "main")
    return LeakyRepository(
      name: contents.name, path: path, remote: remote,
      places: [
        Place(commit: first, file: contents.main), Place(commit: second, file: contents.branchFile),
        Place(commit: third, file: contents.notebook), Place(commit: fourth, file: contents.encoded),
      ])
  }

  @discardableResult
  private static func commit(_ git: GitCommand, _ message: String) async throws(DrillError) -> String {
    try await git("add", "-A")
    try await git("commit", "-q", "-m", message)
    return try await git("rev-parse", "HEAD")
  }
}
