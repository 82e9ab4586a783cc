import Foundation
import JSON

/// The case: a training script with an OpenAI key and a database password in it, committed and pushed.
///
/// The values sit in several commits, two branches, a merge, an annotated tag's message, a note, a stash, a notebook's
/// output cell and, as base64, in a Kubernetes manifest. The last commit "removed" them.
struct LeakyRepository: Sendable {
  /// Where one decoy stands, for the report.
  struct Place: Sendable {
    let commit: String
    let path: String
    let line: Int
  }

  let path: String
  /// The bare remote that it was pushed to.
  let remote: String
  let places: [Place]

  /// Creates both below `directory`.
  /// - Parameter databaseURL: the connection string with the decoy password in it.
  static func create(in directory: String, openAIKey: String, databaseURL: String, password: String)
    async throws(DrillError) -> LeakyRepository
  {
    let path = directory + "/training"
    let remote = directory + "/remote.git"
    try Folder.create(path)
    try Folder.create(remote)
    let git = GitCommand(directory: path)
    try await GitCommand(directory: remote)("init", "-q", "--bare")
    try await git("init", "-q")
    try await git("remote", "add", "origin", remote)
    let work = Folder(path: path)

    try work.write("README.md", "# Training (a drill: nothing here is real)\n")
    try work.write(".gitignore", ".env\n")
    try work.write("requirements.txt", "openai\npsycopg\n")
    try await commit(git, "Start the project")

    try work.write("train.py", script(key: openAIKey, database: databaseURL))
    let first = try await commit(git, "Add the training script")

    try await git("switch", "-q", "-c", "experiment")
    try work.write(
      "train.py", script(key: openAIKey, database: databaseURL) + "\nLEARNING_RATE = 0.0003\n")
    try work.write("config/settings.toml", "[openai]\nkey = \"\(openAIKey)\"\n")
    let second = try await commit(git, "Try a smaller learning rate")

    try await git("switch", "-q", "main")
    try work.write("notebooks/explore.ipynb", notebook(key: openAIKey, database: databaseURL))
    let third = try await commit(git, "Add the exploration notebook")
    try work.write("k8s/secret.yaml", manifest(key: openAIKey, password: password))
    let fourth = try await commit(git, "Deploy to the cluster")

    try work.write(".git/drill-message", "First working version\n\nRun it with OPENAI_API_KEY=\(openAIKey)\n")
    try await git("tag", "-a", "v0.1", "-F", ".git/drill-message")
    try await git("merge", "-q", "--no-ff", "-m", "Merge the experiment", "experiment")
    try work.write(".git/drill-message", "the password is \(password)\n")
    try await git("notes", "add", "-F", ".git/drill-message", first)
    try work.remove(".git/drill-message")

    try work.write("train.py", cleanScript)
    try work.write("notebooks/explore.ipynb", notebook(key: "removed", database: "removed"))
    try await git("rm", "-q", "-r", "k8s", "config")
    try await commit(git, "Remove the secrets")

    try work.write("local.env", "DATABASE_URL=\(databaseURL)\n")
    try await git("add", "local.env")
    try await git("stash", "push", "-q", "-m", "local settings")
    try await git(
      "push", "-q", "origin", "main", "experiment", "refs/tags/v0.1", "refs/notes/commits")
    try await git("fetch", "-q", "origin")
    try await git("branch", "-q", "--set-upstream-to=origin/main", "main")
    return LeakyRepository(
      path: path, remote: remote,
      places: [
        Place(commit: first, path: "train.py", line: 5),
        Place(commit: second, path: "config/settings.toml", line: 2),
        Place(commit: third, path: "notebooks/explore.ipynb", line: 1),
        Place(commit: fourth, path: "k8s/secret.yaml", line: 7),
      ])
  }

  @discardableResult
  private static func commit(_ git: GitCommand, _ message: String) async throws(DrillError) -> String {
    try await git("add", "-A")
    try await git("commit", "-q", "-m", message)
    return try await git("rev-parse", "HEAD")
  }

  private static func script(key: String, database: String) -> String {
    """
    \"\"\"Trains the model.\"\"\"
    import openai
    import psycopg

    OPENAI_API_KEY = "\(key)"
    DATABASE_URL = "\(database)"

    client = openai.OpenAI(api_key=OPENAI_API_KEY)
    connection = psycopg.connect(DATABASE_URL)

    """
  }

  private static let cleanScript = """
    \"\"\"Trains the model.\"\"\"
    import os

    import openai
    import psycopg

    client = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"])
    connection = psycopg.connect(os.environ["DATABASE_URL"])

    """

  private static func notebook(key: String, database: String) -> String {
    let output: JSONValue = [
      "name": "stdout", "output_type": "stream",
      "text": [.string("environ({'OPENAI_API_KEY': '\(key)', 'DATABASE_URL': '\(database)'})\n")],
    ]
    let cell: JSONValue = [
      "cell_type": "code", "execution_count": 1, "metadata": [:],
      "source": ["import os\n", "print(os.environ)"],
      "outputs": [output],
    ]
    let notebook: JSONValue = ["cells": [cell], "metadata": [:], "nbformat": 4, "nbformat_minor": 5]
    return notebook.canonicalText + "\n"
  }

  private static func manifest(key: String, password: String) -> String {
    """
    apiVersion: v1
    kind: Secret
    metadata:
      name: trainer
    type: Opaque
    data:
      openai-api-key: \(Data(key.utf8).base64EncodedString())
      database-password: \(Data(password.utf8).base64EncodedString())

    """
  }
}
