// Git history: find, rewrite, prove, publish, take back.
extension ActionSignature {
  private static let repository = Parameter("repository", .repository, "the repository of staunch.yaml")
  private static let named = Parameter("repository", .repository, "the repository that was meant")
  private static let counts = [
    named,
    Parameter("places", .integer, "places that hold a secret"),
    Parameter("objects", .integer, "objects that were read"),
    Parameter("commits", .integer, "commits that were read"),
    Parameter("not_searched", .list(.string), "what could not be looked into, each with the reason"),
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
      named,
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
    summary:
      "Scans a fresh clone of the remote, made by git itself: after the push, because only that shows what the forge holds. The answer is the remote's; the clone's other remotes are looked at, too.",
    inputs: [
      repository,
      Parameter("secrets", .list(.secret), "what to look for"),
      Parameter(
        "remote", .string, required: false,
        "the remote to clone; without it, the one of the repository's entry; without any, the repository on this machine, which says nothing about a forge"
      ),
    ],
    outputs: counts + [
      Parameter(
        "remote", .string, "the address that was cloned, without user; null: this machine's repository"),
      Parameter(
        "elsewhere", .list(.string),
        "further addresses that the clone's remotes lead to and that hold a secret, or could not be looked at, each with what to do"
      ),
      Parameter("again", .string, "the command that looks at all of them again; null: nothing is left"),
    ], answers: ["clean", "found"])

  /// Publishes a rewritten history.
  public static let historyPush = ActionSignature(
    id: "history.push", effect: .irreversible,
    summary:
      "Pushes every rewritten ref, atomically and with lease against the remote's ids before the rewrite. Fails when the remote advertises a ref that no rewrite here has seen.",
    inputs: [
      repository,
      Parameter(
        "remote", .string, required: false, "the remote; without it, the one of the repository's entry"),
    ],
    outputs: [
      named,
      Parameter("remote", .string, "the address that was pushed to, without user"),
      Parameter("updated", .integer, "refs that the remote took"),
      Parameter("untouched", .integer, "further refs of the remote that hold nothing that was removed"),
      Parameter("refused", .list(.string), "refs that it did not take, each with the reason"),
      Parameter(
        "residual", .list(.string), "refs of the remote that a push cannot reach, each with what to do"),
    ],
    answers: ["pushed", "refused"])

  /// Takes a rewrite back.
  public static let historyRestore = ActionSignature(
    id: "history.restore", effect: .reversible,
    summary: "Brings the local repository back to what it was before a rewrite, bit for bit.",
    inputs: [repository, Parameter("backup", .string, "the backup that `history.rewrite` named")],
    outputs: [named])

  /// Keeps it from happening again.
  public static let guardInstall = ActionSignature(
    id: "guard.install", effect: .reversible,
    summary: "Installs hooks that stop a commit or push that holds a secret.",
    inputs: [repository],
    outputs: [Parameter("installed", .list(.string), "the hooks, by path")])
}
