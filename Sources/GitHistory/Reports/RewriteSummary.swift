import Capabilities
import GitObjects

/// Turns what the engine did into what the port reports.
struct RewriteSummary {
  let outcome: RewriteOutcome
  let snapshot: ReferenceSnapshot
  let renames: ReferenceRenames

  /// References that move, under their names after the rewrite (a name may have held the secret).
  var moves: [HistoryRewrite.RefMove] {
    snapshot.references.compactMap { reference in
      guard case .object(let old) = reference.value else { return nil }
      let change = renames.change(of: reference, by: outcome)
      guard change.isChange, case .object(let new) = change.value else { return nil }
      return HistoryRewrite.RefMove(ref: change.name.description, from: old.hex, to: new.hex)
    }
  }

  func result(
    residual: [HistoryRewrite.Residual], directory: RewriteDirectory?, matches: HistoryMatches? = nil
  ) -> HistoryRewrite {
    HistoryRewrite(
      commits: outcome.commits.count, trees: outcome.trees.count, blobs: outcome.blobs.count,
      tags: outcome.tags.count, refs: moves, signaturesDropped: outcome.signaturesDropped.count,
      residual: residual,
      backup: directory?.id, maps: directory?.maps.text, matches: matches)
  }
}
