public import Capabilities
public import JSON

extension HistoryRewrite {
  /// The stable form for programs (docs/JSON.md).
  public var json: JSONValue {
    .object([
      "schema": 1,
      "rewritten": [
        "commits": .integer(commits), "trees": .integer(trees), "blobs": .integer(blobs),
        "tags": .integer(tags),
        "refs": .integer(refs.count),
      ],
      "refs": .array(
        refs.map { ["ref": .string($0.ref), "from": .string($0.from), "to": .string($0.to)] }),
      "signatures_dropped": .integer(signaturesDropped), "residual": .array(residual.map(\.json)),
      "backup": backup.map { .string($0) } ?? .null, "maps": maps.map { .string($0) } ?? .null,
    ])
  }

  /// What no rewrite of this repository can reach, for every report.
  public static let outOfReach: [Residual] = [
    Residual(
      place: "forks and other clones of the repository", why: "each is a copy of its own",
      fix: "tell their owners; staunch history check-clone --repository CLONE --maps DIRECTORY"),
    Residual(
      place: "the forge's caches and merge-request references", why: "a push does not remove them",
      fix: "staunch history support-request --remote NAME"),
    Residual(
      place: "CI logs, artifacts and build caches", why: "they hold what was checked out then",
      fix: "delete them in the CI system; the credential must be dead in any case"),
  ]
}

extension HistoryRewrite.Residual {
  /// One member of `residual`.
  public var json: JSONValue { ["place": .string(place), "why": .string(why), "fix": .string(fix)] }
}

extension HistoryPush {
  /// The stable form for programs (docs/JSON.md).
  public var json: JSONValue {
    [
      "schema": 1,
      "refs": .array(
        refs.map {
          [
            "ref": .string($0.ref), "updated": .boolean($0.isUpdated),
            "reason": $0.reason.map { .string($0) } ?? .null,
          ]
        }),
    ]
  }
}
