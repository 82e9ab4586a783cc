import Capabilities
import GitObjects

/// Counts what short and common values match in what a rewrite would change, and how often they are only a part of a
/// longer word: somebody who wants `post` gone must see that it stands in `postgres`.
struct MatchCensus {
  let patterns: SecretPatterns
  let outcome: RewriteOutcome

  private struct Tally: Sendable {
    var count = 0
    var inside = 0
    var files: Set<ObjectID> = []
  }

  /// nil when every value is distinctive enough to be a secret wherever it stands.
  func count(in objects: RepositoryObjects, progress: EngineProgress = .silent) throws(GitObjectsError)
    -> HistoryMatches?
  {
    let remarks = patterns.ordinary
    guard !remarks.isEmpty else { return nil }
    let dirty = Set(outcome.hits.filter { remarks[$0.pattern] != nil }.map(\.object))
    let tallies = try objects.forEachHit(of: patterns, in: dirty, from: Tally(), progress: progress) {
      tally, object, hit, text in
      guard remarks[hit.pattern] != nil else { return }
      tally.count += 1
      tally.files.insert(object)
      let end = hit.offset + hit.length
      let isInside =
        hit.offset > 0 && Self.isJoined(text[hit.offset - 1], text[hit.offset])
        || end < text.count && Self.isJoined(text[end - 1], text[end])
      if isInside { tally.inside += 1 }
    }
    let values = remarks.sorted { $0.key < $1.key }.map { "expression \($0.key + 1) is \($0.value)" }
    return HistoryMatches(
      values: values, count: tallies.reduce(0) { $0 + $1.count },
      insideWords: tallies.reduce(0) { $0 + $1.inside }, files: tallies.reduce(0) { $0 + $1.files.count })
  }

  /// Two neighbouring bytes belong to one word.
  private static func isJoined(_ one: UInt8, _ other: UInt8) -> Bool { isWord(one) && isWord(other) }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A, 0x80...0xFF: true
    default: false
    }
  }
}
