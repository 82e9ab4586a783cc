/// A step from a value to one inside it.
public enum JSONStep: Sendable, Hashable {
  case member(String)
  /// From 0.
  case element(Int)
}

/// Which values of a text are its records, for example `$.findings[*]`.
public struct JSONPath: Sendable, Hashable {
  /// One step of a path.
  public enum Part: Sendable, Hashable {
    case member(String)
    case anyMember
    case anyElement
  }
  public let parts: [Part]

  /// The path of the given parts; none means the whole text.
  public init(_ parts: Part...) { self.parts = parts }

  /// The members that lead to the first list or object of which any part is wanted, in a list around all where the path
  /// begins in one.
  var container: JSONPath {
    func isMember(_ part: Part) -> Bool { if case .member = part { true } else { false } }
    let around = parts.first == .anyElement && parts.dropFirst().first.map(isMember) == true ? 1 : 0
    return JSONPath(Array(parts[..<around] + parts[around...].prefix(while: isMember)))
  }

  public init(_ parts: [Part]) { self.parts = parts }

  func matches(_ steps: [JSONStep]) -> Bool {
    guard steps.count == parts.count else { return false }
    return zip(parts, steps).allSatisfy { part, step in
      switch (part, step) {
      case (.member(let wanted), .member(let found)): wanted == found
      case (.anyMember, .member), (.anyElement, .element): true
      case (.member, .element), (.anyMember, .element), (.anyElement, .member): false
      }
    }
  }
}

/// A value that stood at one of the wanted paths.
public struct JSONRecord: Sendable {
  /// Where it stood inside its top-level value.
  public let steps: [JSONStep]
  public let value: JSONValue
  /// Of its first byte.
  public let position: JSONPosition

  public init(steps: [JSONStep], value: JSONValue, position: JSONPosition) {
    self.steps = steps
    self.value = value
    self.position = position
  }
}

/// Reads a text of any length piece by piece and hands out the values at some paths, one at a time.
///
/// Everything else is checked as strictly and then forgotten, so memory is bounded by the largest record.
public struct JSONRecordReader: Sendable {
  private var tokenizer: JSONTokenizer
  private var collector: JSONRecordCollector
  private var pendingError: JSONError?

  /// - Parameters:
  ///   - paths: no record may stand inside another; the outermost wins.
  ///   - line: the number of the text's first line.
  ///   - offset: of the text's first byte, when it is a part of something longer.
  public init(
    _ paths: [JSONPath], limits: JSONLimits = .standard, content: JSONTokenizer.Content = .oneValue,
    line: Int = 1, offset: Int = 0
  ) {
    tokenizer = JSONTokenizer(limits: limits, content: content, line: line, offset: offset)
    collector = JSONRecordCollector(paths: paths, limits: limits)
  }

  /// Of the next byte.
  public var position: JSONPosition { tokenizer.position }

  /// Reads the next piece and returns the records that it completes.
  public mutating func feed(_ piece: ArraySlice<UInt8>) throws(JSONError) -> [JSONRecord] {
    if pendingError == nil {
      do throws(JSONError) {
        try tokenizer.feed(piece, into: &collector)
      } catch {
        pendingError = error
      }
    }
    return try takeRecords()
  }

  /// The text is over; returns the last record when only the end completed it (a bare number).
  public mutating func finish() throws(JSONError) -> [JSONRecord] {
    if pendingError == nil { try tokenizer.finish(into: &collector) }
    return try takeRecords()
  }

  /// Records before an error are handed out first; the error comes with the next call.
  private mutating func takeRecords() throws(JSONError) -> [JSONRecord] {
    let records = collector.records
    collector.records.removeAll()
    if records.isEmpty, let pendingError { throw pendingError }
    return records
  }
}
