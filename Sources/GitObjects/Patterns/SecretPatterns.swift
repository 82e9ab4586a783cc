public import Secrets

/// What to look for and what to put in its place, compiled for searching gigabytes.
///
/// A `.secret` is looked for in every form of `SecretForms`, in mixed escapes, and split over JSON strings or lines; each form is
/// replaced by the same form of the replacement, so that JSON stays JSON and base64 still decodes. Overlapping hits are
/// removed as one range (git filter-repo would leave the rest of the second one).
public struct SecretPatterns: Sendable {
  /// One line of a replacement file, or one secret.
  public struct Expression: Sendable {
    public enum Matcher: Sendable {
      /// Every form is searched.
      case secret(Secret)
      /// Exactly these bytes, as `literal:` in filter-repo's file.
      case literal(Secret)
      /// A regular expression over bytes (PCRE2, near to Python's `re`).
      case regex(Secret)
    }
    public let matcher: Matcher
    /// Bytes in place of a match; for a regex with `\1`, `\g<name>`.
    public let replacement: [UInt8]
    /// Where it stands in its file, from 1; nil when it came otherwise.
    public let line: Int?
    public init(
      _ matcher: Matcher, replacement: [UInt8] = Array(SecretPatterns.defaultReplacement.utf8),
      line: Int? = nil
    ) {
      self.matcher = matcher
      self.replacement = replacement
      self.line = line
    }

    /// How messages name it, without its text: the number `index` counts from 0.
    func name(_ index: Int) -> String {
      "expression \(index + 1)" + (line.map { " (line \($0) of its file)" } ?? "")
    }
  }

  /// What stands in place of a secret when nothing else is given; filter-repo's own.
  public static let defaultReplacement = "***REMOVED***"
  public let expressions: [Expression]
  let compiled: CompiledPatterns

  /// - Throws: `.badPattern`: an empty secret, a regex that does not compile, a replacement that holds a pattern or puts back
  ///   all of every match (`\g<0>`).
  public init(_ expressions: [Expression]) throws(GitObjectsError) {
    self.expressions = expressions
    compiled = try CompiledPatterns(expressions)
    for (index, expression) in expressions.enumerated() where holdsSecret(expression.replacement) {
      throw GitObjectsError(
        .badPattern, what: "the replacement of \(expression.name(index))",
        why: "it holds one of the secrets itself", fix: "choose another replacement")
    }
  }

  /// Each secret in every form.
  public init(secrets: [Secret], replacement: String = SecretPatterns.defaultReplacement)
    throws(GitObjectsError)
  {
    try self.init(secrets.map { Expression(.secret($0), replacement: Array(replacement.utf8)) })
  }

  /// What a search with these patterns does not cover, for the answer; docs/FORMS.md.
  public var notSearched: [String] {
    var notes = SecretForms.notSearched
    let regular = expressions.indices.filter {
      if case .regex = expressions[$0].matcher { true } else { false }
    }
    if !regular.isEmpty {
      let numbers = regular.prefix(8).map { String($0 + 1) }.joined(separator: ", ")
      notes.append(
        "regular expressions (\(numbers)\(regular.count > 8 ? " …" : "")) match the bytes as they are, in no other form;"
          + " in files beside the history and in blobs of more than 64 MiB at most \(longestSpan >> 20) MiB at a time"
      )
    }
    for (index, expression) in expressions.enumerated() {
      guard case .secret(let secret) = expression.matcher else { continue }
      let raw = secret.exposeAsBytes()
      if let first = raw.first, let last = raw.last,
        [first, last].contains(where: { $0 == 0x20 || $0 == 0x09 })
      {
        notes.append(
          "\(expression.name(index)) without the white space at its ends, which was taken as a part of it")
      }
      let entries = SecretForms.entries(of: raw)
      if entries[0].bytes.count < SecretForms.shortestEncoded {
        notes.append("encoded forms of expression \(index + 1): it is too short")
      } else if entries.count >= SecretForms.most {
        notes.append("some spellings of expression \(index + 1): it has more than \(SecretForms.most)")
      }
    }
    return notes
  }

  private func holdsSecret(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { !compiled.literals(in: $0).isEmpty }
  }

  /// Every hit in bytes that are no object: a ref name, a reflog, an index, a configuration file.
  /// - Throws: `.unsupported` when an expression cannot be matched here.
  public func hits(in bytes: [UInt8]) throws(GitObjectsError) -> [TextHit] {
    try bytes.withUnsafeBufferPointer { text throws(GitObjectsError) in try hits(in: text) }
  }

  /// The same for bytes in place.
  public func hits(in text: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> [TextHit] {
    var lines = LineCounter(text)
    return try compiled.search(text).map { hit in
      TextHit(
        offset: hit.span.lowerBound, length: hit.span.count, line: lines.line(at: hit.span.lowerBound),
        pattern: hit.pattern, form: hit.form)
    }
  }

  /// `bytes` without any secret, or nil when there is none in them.
  ///
  /// A place that cannot hold every byte gets a replacement without them: no line feed in people, no NUL in headers,
  /// no `/` in names of tree entries.
  /// - Throws: `.unsupported` when an expression cannot be matched here.
  public func cleaned(
    _ bytes: [UInt8], as place: ObjectHit.Place = .blob
  ) throws(GitObjectsError) -> [UInt8]? {
    try bytes.withUnsafeBufferPointer { text throws(GitObjectsError) in
      try PlaceCleaning(patterns: compiled).cleaned(text, as: place)
    }
  }

  /// A ref name without any secret, or nil when there is none in it. The result is a valid ref name.
  public func cleaned(refName: String) throws(GitObjectsError) -> String? {
    guard let bytes = try cleaned(Array(refName.utf8), as: .header) else { return nil }
    return RefNameRepair.valid(String(decoding: bytes, as: UTF8.self))
  }

  /// A hit outside of objects.
  public struct TextHit: Sendable, Hashable {
    /// First byte.
    public let offset: Int
    public let length: Int
    /// From 1.
    public let line: Int
    /// Index in ``SecretPatterns/expressions``.
    public let pattern: Int
    public let form: SecretForm

    /// The same hit in a text of which the searched one is a part.
    public func moved(by bytes: Int, lines: Int) -> TextHit {
      TextHit(offset: offset + bytes, length: length, line: line + lines, pattern: pattern, form: form)
    }
  }

  /// No hit spans more bytes, gaps included; expressions, which have no bound, are searched in pieces that overlap by this.
  public var longestSpan: Int { compiled.longestSpan }
}

/// Counts lines from the last asked position on.
struct LineCounter {
  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var line = 1

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  /// The line of the byte at `offset`, from 1; offsets must not decrease.
  mutating func line(at offset: Int) -> Int {
    // Eight bytes at once: a line feed becomes a zero byte, and only those leave the highest bit clear.
    if let base = text.baseAddress {
      while position + 8 <= offset {
        let word = UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self) ^ 0x0A0A_0A0A_0A0A_0A0A
        let marks = ((word & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F) | word
        line += 8 - (marks & 0x8080_8080_8080_8080).nonzeroBitCount
        position += 8
      }
    }
    while position < offset {
      if text[position] == 0x0A { line += 1 }
      position += 1
    }
    return line
  }
}
