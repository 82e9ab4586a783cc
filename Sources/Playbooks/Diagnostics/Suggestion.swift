/// "Did you mean": the nearest of the words that would have been right.
package enum Suggestion {
  /// The candidate nearest to `word`, when it is near enough to be a slip; ties go to the first.
  package static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    var best: (word: String, distance: Int)?
    for candidate in candidates where abs(candidate.count - word.count) <= limit {
      let found = distance(word.lowercased(), candidate.lowercased())
      if found <= limit, found < best?.distance ?? Int.max { best = (candidate, found) }
    }
    return best?.word
  }

  /// `did you mean "x"?`, else the whole list when it is short, else nil.
  package static func phrase(for word: String, among candidates: some Collection<String>) -> String? {
    if let nearest = nearest(to: word, among: candidates) { return "did you mean \"\(nearest)\"?" }
    guard !candidates.isEmpty, candidates.count <= 24 else { return nil }
    return "one of: " + candidates.joined(separator: ", ")
  }

  /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
  static func distance(_ one: String, _ other: String) -> Int {
    let first = Array(one)
    let second = Array(other)
    if first.isEmpty || second.isEmpty { return max(first.count, second.count) }
    var beforeLast = [Int](repeating: 0, count: second.count + 1)
    var last = Array(0...second.count)
    for row in 1...first.count {
      var current = [row] + [Int](repeating: 0, count: second.count)
      for column in 1...second.count {
        let cost = first[row - 1] == second[column - 1] ? 0 : 1
        current[column] = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
        if row > 1, column > 1, first[row - 1] == second[column - 2], first[row - 2] == second[column - 1] {
          current[column] = min(current[column], beforeLast[column - 2] + 1)
        }
      }
      beforeLast = last
      last = current
    }
    return last[second.count]
  }
}
