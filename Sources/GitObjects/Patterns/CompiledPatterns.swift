import Secrets

/// Expressions made ready for searching: all forms of all secrets in one or two filters, and the regular expressions.
final class CompiledPatterns: Sendable {
  /// A part of a form that the filter looks for; the whole form is compared when the part is met.
  struct Probe {
    let form: Int
    /// Where the probe stands in the form.
    let offset: Int
    /// The form may be split around the probe.
    let isSplit: Bool
  }
  struct Filter {
    let grams: GramFilter
    let probes: [Probe]
  }

  let forms: [SearchForm]
  let replacements: [[UInt8]]
  let expressions: [(pattern: Int, expression: ByteExpression, template: ReplacementTemplate)]
  let filters: [Filter]
  /// Escapes that may belong to a secret.
  let escapes: EscapeFilter
  /// What a window must show on either side of a change, so that a probe or an escape that fits is whole in it.
  let reach: Int
  /// The same for what a longer look at escapes sees.
  let wholeReach: Int
  /// See ``SecretPatterns/longestSpan``.
  let longestSpan: Int

  private static let longestUsefulProbe = 15  // eight bytes looked up at every eighth position
  private static let shortestOfLong = 8

  /// - Throws: `.badPattern`.
  init(_ list: [SecretPatterns.Expression]) throws(GitObjectsError) {
    var forms: [SearchForm] = []
    var alphabet = EscapeAlphabet()
    var expressions: [(pattern: Int, expression: ByteExpression, template: ReplacementTemplate)] = []
    for (pattern, item) in list.enumerated() {
      switch item.matcher {
      case .secret(let secret):
        try CompiledPatterns.refuseEmpty(secret, item.name(pattern))
        let rows = SecretForms.entries(of: secret.exposeAsBytes())
        alphabet.add(rows)
        forms += rows.map { SearchForm(pattern: pattern, entry: $0, isExact: false) }
      case .literal(let secret):
        try CompiledPatterns.refuseEmpty(secret, item.name(pattern))
        let bytes = secret.exposeAsBytes()
        if let form = SearchForm.literal(bytes, pattern: pattern) { forms.append(form) }
      case .regex(let source):
        let what = item.name(pattern)
        let expression = try ByteExpression(source.exposeAsBytes(), what: what)
        let template = try ReplacementTemplate(item.replacement, for: expression, what: what)
        expressions.append((pattern, expression, template))
      }
    }
    self.forms = forms
    self.expressions = expressions
    replacements = list.map(\.replacement)
    filters = CompiledPatterns.filters(for: forms)
    escapes = EscapeFilter(alphabet)
    reach = max(filters.map(\.grams.length).max() ?? 1, alphabet.isEmpty ? 1 : EscapeFilter.span) - 1
    wholeReach = max(reach, alphabet.isEmpty ? 0 : EscapeAlphabet.wholeSpan - 1)
    longestSpan = max(1 << 20, 16 * (forms.map(\.bytes.count).max() ?? 0))
  }

  private static func refuseEmpty(_ secret: Secret, _ name: String) throws(GitObjectsError) {
    guard secret.isEmpty else { return }
    throw GitObjectsError(
      .badPattern, what: name, why: "it is empty",
      fix: "remove it from the list of secrets")
  }

  private static func filters(for forms: [SearchForm]) -> [Filter] {
    let short = forms.indices.filter { forms[$0].bytes.count < shortestOfLong }
    let long = forms.indices.filter { forms[$0].bytes.count >= shortestOfLong }
    let split = Set(long.filter { forms[$0].canBeSplit && forms[$0].bytes.count >= 2 * shortestOfLong })
    var result: [Filter] = []
    if let length = short.map({ forms[$0].bytes.count }).min() {
      result.append(
        filter(short.map { Probe(form: $0, offset: 0, isSplit: false) }, length: length, forms))
    }
    let shortest = min(
      long.map { forms[$0].bytes.count }.min() ?? longestUsefulProbe,
      split.map { forms[$0].bytes.count / 2 }.min() ?? longestUsefulProbe)
    if !long.isEmpty {
      let length = min(longestUsefulProbe, shortest)
      var probes: [Probe] = []
      for index in long {
        guard split.contains(index) else {
          probes.append(Probe(form: index, offset: best(in: forms[index].bytes, length), isSplit: false))
          continue
        }
        // Two neighbouring probes: gaps further apart than both together leave one of them whole.
        let first = best(in: forms[index].bytes, 2 * length)
        probes.append(Probe(form: index, offset: first, isSplit: true))
        probes.append(Probe(form: index, offset: first + length, isSplit: true))
      }
      result.append(filter(probes, length: length, forms))
    }
    return result
  }

  private static func filter(_ probes: [Probe], length: Int, _ forms: [SearchForm]) -> Filter {
    let bytes = probes.map { Array(forms[$0.form].bytes[$0.offset..<($0.offset + length)]) }
    return Filter(grams: GramFilter(bytes, length: length), probes: probes)
  }

  /// Where the least common looking `length` bytes stand: prefixes such as "sk-proj-" are shared, random parts are not.
  private static func best(in bytes: [UInt8], _ length: Int) -> Int {
    // How often each byte stands in the window, and how many different ones do.
    var counts = [UInt32](repeating: 0, count: 256)
    var variety = 0
    var (result, most) = (0, -1)
    for end in bytes.indices {
      counts[Int(bytes[end])] += 1
      if counts[Int(bytes[end])] == 1 { variety += 1 }
      let start = end - length + 1
      guard start >= 0 else { continue }
      if variety > most { (result, most) = (start, variety) }
      counts[Int(bytes[start])] -= 1
      if counts[Int(bytes[start])] == 0 { variety -= 1 }
    }
    return result
  }

  /// False when `text[start..<end]` surely holds none of the secrets, nor a part of one that a change of a neighbour could
  /// complete. Regular expressions are not asked.
  @inline(__always)
  func suspects(_ text: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Bool {
    for filter in filters where filter.grams.finds(in: text, from: start, to: end) { return true }
    let part = UnsafeBufferPointer(start: text + start, count: end - start)
    return escapes.next(in: part, from: 0) != nil
  }

  /// What a look at a text says, without a search.
  enum Look {
    case clean
    /// An escape might belong to a secret if something else stood around it (``EscapeAlphabet/fitsWhole(_:at:)``).
    case undecided
    /// It has UTF-16, in which anything may stand.
    case wide([WideText])
    case suspect
  }

  /// What ``suspects(_:from:to:)`` says of all of `text`, and whether a longer look at its escapes says so, too.
  func look(at text: UnsafeBufferPointer<UInt8>) -> Look {
    guard let base = text.baseAddress else { return .clean }
    for filter in filters where filter.grams.finds(in: base, from: 0, to: text.count) { return .suspect }
    var isUndecided = false
    var wide: [WideText] = []
    var position = 0
    while let next = escapes.next(in: text, from: position) {
      switch next {
      case .escape(let place):
        if escapes.alphabet.fitsWhole(text.span, at: place) { return .suspect }
        isUndecided = true
        position = place + 1
      case .wide(let place):
        guard escapes.isWideNear else { return .suspect }
        wide.append(WideText(around: place, from: wide.last?.range.upperBound ?? 0, in: text.span))
        position = max(place + 1, wide[wide.count - 1].range.upperBound)
      }
    }
    if !wide.isEmpty { return .wide(wide) }
    return isUndecided ? .undecided : .clean
  }

  /// Every hit in `text`, by position.
  ///
  /// - Throws: `.unsupported` when an expression cannot be matched here.
  func search(_ text: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> [FoundSecret] {
    var meetsProbe = false
    return try search(text, meetsProbe: &meetsProbe)
  }

  /// - Parameter meetsProbe: set when ``suspects(_:from:to:)`` would say yes.
  func search(
    _ text: UnsafeBufferPointer<UInt8>, meetsProbe: inout Bool
  ) throws(GitObjectsError) -> [FoundSecret] {
    var found = literals(in: text, meetsProbe: &meetsProbe)
    for (pattern, expression, template) in expressions {
      for match in try expression.matches(in: text) {
        let expansion = template.expanded(match, in: text)
        // What is replaced by itself has been cleaned before, unless the replacement puts all of it back.
        guard
          !expansion.elementsEqual(text[match.range])
            || template.keepsEverything(of: match, by: expression, in: text)
        else { continue }
        found.append(
          FoundSecret(
            pattern: pattern, form: .expression, pieces: [match.range], formIndex: nil, expansion: expansion,
            edits: nil))
      }
    }
    return found.sorted { left, right in
      left.span.lowerBound != right.span.lowerBound
        ? left.span.lowerBound < right.span.lowerBound : left.span.upperBound > right.span.upperBound
    }
  }

  /// Hits of secrets, without those of regular expressions.
  func literals(in text: UnsafeBufferPointer<UInt8>) -> [FoundSecret] {
    var meetsProbe = false
    return literals(in: text, meetsProbe: &meetsProbe)
  }

  /// As ``literals(in:)``, and whether every probe in `text` belongs to one of the hits.
  func literalsAndStrays(in text: UnsafeBufferPointer<UInt8>) -> (hits: [FoundSecret], hasStrays: Bool) {
    var (meetsProbe, hasStrays) = (false, false)
    let hits = literals(in: text, meetsProbe: &meetsProbe, hasStrays: &hasStrays)
    return (hits, hasStrays)
  }

  private func literals(in text: UnsafeBufferPointer<UInt8>, meetsProbe: inout Bool) -> [FoundSecret] {
    var hasStrays = false
    return literals(in: text, meetsProbe: &meetsProbe, hasStrays: &hasStrays)
  }

  private func literals(
    in text: UnsafeBufferPointer<UInt8>, meetsProbe: inout Bool, hasStrays: inout Bool
  ) -> [FoundSecret] {
    var found: [FoundSecret] = []
    var seen: Set<Place> = []
    for filter in filters {
      filter.grams.forEach(in: text) { candidate in
        meetsProbe = true
        let probe = filter.probes[candidate.probe]
        let form = forms[probe.form]
        guard let pieces = pieces(of: form, probe, filter.grams.length, at: candidate.start, in: text) else {
          hasStrays = true
          return
        }
        guard seen.insert(Place(start: pieces[0].lowerBound, form: probe.form)).inserted else { return }
        found.append(
          FoundSecret(
            pattern: form.pattern, form: pieces.count > 1 ? .split : form.form, pieces: pieces,
            formIndex: probe.form, expansion: nil, edits: nil))
      }
    }
    var hasEscapes = false
    found += decoded(in: text, hasEscapes: &hasEscapes)
    if hasEscapes { (meetsProbe, hasStrays) = (true, true) }
    guard found.count > 1 else { return found }
    let kept = withoutShiftedTwins(withoutParts(found))
    if kept.count < found.count { hasStrays = true }
    return kept
  }

  /// Without hits within another hit of the same secret: `&` and `&amp;` begin alike, and mixed escapes are met from both
  /// sides. Of equal ones the more common spelling stays.
  private func withoutParts(_ found: [FoundSecret]) -> [FoundSecret] {
    let sorted = found.sorted { left, right in
      let (one, other) = (left.span, right.span)
      if one.lowerBound != other.lowerBound { return one.lowerBound < other.lowerBound }
      if one.upperBound != other.upperBound { return one.upperBound > other.upperBound }
      return left.formIndex ?? .max < right.formIndex ?? .max
    }
    var ends: [Int: Int] = [:]
    return sorted.filter { hit in
      guard hit.span.upperBound > ends[hit.pattern] ?? -1 else { return false }
      ends[hit.pattern] = hit.span.upperBound
      return true
    }
  }

  /// ASCII text in UTF-16 of one byte order is, one byte further, text of the other order: keep the hit that starts at an
  /// even offset, as UTF-16 files do. Replacing either gives the same bytes; replacing both would not.
  private func withoutShiftedTwins(_ found: [FoundSecret]) -> [FoundSecret] {
    let wide = Set(found.filter { $0.form == .utf16le || $0.form == .utf16be }.map(\.span))
    guard !wide.isEmpty else { return found }
    return found.filter { hit in
      guard hit.form == .utf16le || hit.form == .utf16be, hit.span.lowerBound % 2 == 1 else { return true }
      let (low, high) = (hit.span.lowerBound, hit.span.upperBound)
      return !wide.contains((low - 1)..<(high - 1)) && !wide.contains((low + 1)..<(high + 1))
    }
  }

  private struct Place: Hashable {
    let start: Int
    let form: Int
  }

  func pieces(
    of form: SearchForm, _ probe: Probe, _ length: Int, at position: Int,
    in text: UnsafeBufferPointer<UInt8>
  ) -> [Range<Int>]? {
    let start = position - probe.offset
    let end = start + form.bytes.count
    if start >= 0, end <= text.count, text[start..<end].elementsEqual(form.bytes) { return [start..<end] }
    let known = probe.offset..<(probe.offset + length)
    if probe.isSplit,
      let pieces = Splitting.pieces(
        of: form.bytes, known: known, at: position, in: text, inBase64: form.isBase64)
    {
      return pieces
    }
    return LooseMatch(form, in: text)?.pieces(of: form, known: known, at: position)
  }
}
