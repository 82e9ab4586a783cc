// Git history: find, rewrite, prove, publish, take back.
extension ActionSignature {
  private static let repository = Parameter("repository", .repository, "the repository of staunch.yaml")
  private static let counts = [
    Parameter("places", .integer, "places that hold a secret"),
    Parameter("objects", .integer, "objects that were read"),
    Parameter("commits", .integer, "commits that were read"),
  ]

  /// Finds the secrets in every ref.
  public static let historyScan = ActionSignature(
    id: "history.scan", effect: .read,
    summary:
      "Looks for secrets, in every form, in every object, ref, reflog, index and work tree of a repository.",
    inputs: [repository, Parameter("secrets", .list(.secret), "what to look for")],
    outputs: counts, answers: ["clean", "found"])

  /// Removes the secrets from every ref.
  public static let historyRewrite = ActionSignature(
    id: "history.rewrite", effect: .reversible,
    summary: "Removes secrets from the local repository's history in every ref, after a backup.",
    inputs: [
      repository,
      Parameter("remove", .list(.secret), "what to remove, in every form"),
      Parameter(
        "replacement", .string, required: false, "what stands in its place; `***REMOVED***` when absent"),
      Parameter(
        "backup", .string, required: false, "the kind of backup; `bundle`, the only one, when absent"),
    ],
    outputs: [
      Parameter("backup", .string, "names the backup for `history.restore`; null when nothing matched"),
      Parameter("commits", .integer, "commits that were rewritten"),
      Parameter("refs", .integer, "refs that were moved"),
      Parameter("signatures_dropped", .integer, "signatures that no longer fit and were dropped"),
      Parameter("residual", .list(.string), "what still holds a secret and needs a person"),
      Parameter("maps", .string, "the directory with commit-map and ref-map"),
    ])

  /// Scans a fresh clone.
  public static let historyVerify = ActionSignature(
    id: "history.verify", effect: .read,
    summary: "Scans a fresh clone, made by git itself.",
    inputs: [
      repository,
      Parameter("secrets", .list(.secret), "what to look for"),
      Parameter(
        "remote", .string, required: false,
        "the remote to clone; without it, the repository on this machine is cloned"),
    ],
    outputs: counts, answers: ["clean", "found"])

  /// Publishes a rewritten history.
  public static let historyPush = ActionSignature(
    id: "history.push", effect: .irreversible,
    summary:
      "Pushes every rewritten ref, atomically and with lease against the remote's ids before the rewrite.",
    inputs: [
      repository,
      Parameter(
        "remote", .string, required: false, "the remote; without it, the one of the repository's entry"),
    ],
    outputs: [
      Parameter("updated", .integer, "refs that the remote took"),
      Parameter("refused", .list(.string), "refs that it did not take, each with the reason"),
    ],
    answers: ["pushed", "refused"])

  /// Takes a rewrite back.
  public static let historyRestore = ActionSignature(
    id: "history.restore", effect: .reversible,
    summary: "Brings the local repository back to what it was before a rewrite, bit for bit.",
    inputs: [repository, Parameter("backup", .string, "the backup that `history.rewrite` named")],
    outputs: [])

  /// Keeps it from happening again.
  public static let guardInstall = ActionSignature(
    id: "guard.install", effect: .reversible,
    summary: "Installs hooks that stop a commit or push that holds a secret.",
    inputs: [repository],
    outputs: [Parameter("installed", .list(.string), "the hooks, by path")])
}
