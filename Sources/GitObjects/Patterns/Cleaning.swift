import Secrets

/// Takes hits out of bytes: each form is replaced by the same form of the replacement.
struct Cleaning {
  let patterns: CompiledPatterns

  /// A replacement may form a new hit with its neighbours; cleaning is repeated, but not for ever.
  private static let mostRounds = 8

  /// `text` without any hit, or nil when there is none in it.
  /// - Throws: `.unsupported` when an expression cannot be matched here, `.badPattern` when a replacement takes nothing out.
  func cleaned(_ text: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> [UInt8]? {
    var current: [UInt8]?
    func edit(
      _ make: (UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> [ByteEdit]
    ) throws(GitObjectsError) -> Bool {
      let next: [UInt8]?
      if let bytes = current {
        next = try bytes.withUnsafeBufferPointer { buffer throws(GitObjectsError) in
          apply(try make(buffer), to: buffer)
        }
      } else {
        next = apply(try make(text), to: text)
      }
      if let next { current = next }
      return next != nil
    }
    var isClean = false
    for _ in 0..<Cleaning.mostRounds {
      var made: [ByteEdit]?
      let changed = try edit { text in
        let (hits, hasStrays) = patterns.literalsAndStrays(in: text)
        isClean = hits.isEmpty
        let edits = edits(for: hits, in: text)
        if !hasStrays, covers(hits, by: edits) { made = edits }
        return edits
      }
      if !changed { break }
      if let made, let current, holdsNoProbe(current, around: made) {
        isClean = true
        break
      }
    }
    if isClean, patterns.expressions.isEmpty { return current }
    for (_, expression, template) in patterns.expressions {
      _ = try edit { text throws(GitObjectsError) in
        try expression.matches(in: text).map { match throws(GitObjectsError) -> ByteEdit in
          guard !template.keepsEverything(of: match, by: expression, in: text) else {
            throw template.putsBack
          }
          return ByteEdit(range: match.range, replacement: template.expanded(match, in: text))
        }
      }
    }
    for _ in 0..<Cleaning.mostRounds {
      guard try edit({ removals(of: patterns.literals(in: $0)) }) else { break }
    }
    return current
  }

  /// Whether each hit lies within an edit of its own.
  private func covers(_ hits: [FoundSecret], by edits: [ByteEdit]) -> Bool {
    guard hits.count == edits.count else { return false }
    let spans = hits.map(\.span).sorted { $0.lowerBound < $1.lowerBound }
    return zip(spans, edits).allSatisfy { span, edit in
      edit.range.lowerBound <= span.lowerBound && span.upperBound <= edit.range.upperBound
    }
  }

  /// Whether `cleaned`, in which `edits` were made and which held no other probe, has none around them either: then there
  /// is nothing left to find, and no need to search everything again.
  private func holdsNoProbe(_ cleaned: [UInt8], around edits: [ByteEdit]) -> Bool {
    let reach = patterns.reach
    return cleaned.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return true }
      var grown = 0
      for edit in edits {
        let start = edit.range.lowerBound + grown
        let end = start + edit.replacement.count
        grown += edit.replacement.count - edit.range.count
        let window = max(0, start - reach)..<min(bytes.count, end + reach)
        if patterns.suspects(base, from: window.lowerBound, to: window.upperBound) { return false }
      }
      return true
    }
  }

  private func apply(_ edits: [ByteEdit], to text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    let effective = edits.filter { !$0.replacement.elementsEqual(text[$0.range]) }
    return effective.isEmpty ? nil : text.applying(effective)
  }

  /// What is left when replacing does not end: cut the hits out.
  private func removals(of hits: [FoundSecret]) -> [ByteEdit] {
    groups(of: hits).map { ByteEdit(range: $0.span, replacement: []) }
  }

  private struct Group {
    var span: Range<Int>
    var hits: [FoundSecret]
  }

  private func groups(of hits: [FoundSecret]) -> [Group] {
    let sorted = hits.sorted { left, right in
      left.span.lowerBound != right.span.lowerBound
        ? left.span.lowerBound < right.span.lowerBound : left.span.upperBound > right.span.upperBound
    }
    var result: [Group] = []
    for hit in sorted {
      if let last = result.last, hit.span.lowerBound < last.span.upperBound {
        let span = last.span.lowerBound..<max(last.span.upperBound, hit.span.upperBound)
        result[result.count - 1] = Group(span: span, hits: last.hits + [hit])
      } else {
        result.append(Group(span: hit.span, hits: [hit]))
      }
    }
    return result
  }

  private func edits(for hits: [FoundSecret], in text: UnsafeBufferPointer<UInt8>) -> [ByteEdit] {
    var result: [ByteEdit] = []
    for group in groups(of: hits) {
      let first = group.hits[0]
      let edits =
        first.span == group.span
        ? self.edits(for: first, in: text)
        : [ByteEdit(range: group.span, replacement: spelledReplacement(first))]
      // Base64 groups reach a little to both sides; a neighbour that is reached waits for the next round.
      if let last = result.last, let next = edits.first, next.range.lowerBound < last.range.upperBound {
        continue
      }
      result += edits
    }
    return result
  }

  private func edits(for hit: FoundSecret, in text: UnsafeBufferPointer<UInt8>) -> [ByteEdit] {
    if let edits = hit.edits { return edits }
    if let index = hit.formIndex {
      let edit = Base64Edit(patterns.forms[index], replacement: patterns.replacements[hit.pattern])
      if let edits = edit?.edits(for: hit.pieces, in: text) { return edits }
    }
    let replacement = spelledReplacement(hit)
    return hit.pieces.enumerated().map { ByteEdit(range: $1, replacement: $0 == 0 ? replacement : []) }
  }

  private func spelledReplacement(_ hit: FoundSecret) -> [UInt8] {
    guard let index = hit.formIndex else { return hit.expansion ?? [] }
    let replacement = patterns.replacements[hit.pattern]
    return patterns.forms[index].spelling.spelled(replacement)
  }
}
