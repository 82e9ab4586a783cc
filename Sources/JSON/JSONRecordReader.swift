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

  /// The members that lead to the first list or object of which any part is wanted.
  var container: JSONPath { JSONPath(parts.prefix { if case .member = $0 { true } else { false } }) }

  private init(_ parts: some Sequence<Part>) { self.parts = Array(parts) }

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
  /// True when no top-level value is open.
  public var isBetweenValues: Bool { tokenizer.isBetweenValues }

  /// True once a list or object stood where records are expected, even an empty one, or `null` in its place.
  ///
  /// A text without it is not "no records" but another sort of text.
  public var hasSeenContainer: Bool { collector.hasSeenContainer }

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

/// Builds the values at the wanted paths.
struct JSONRecordCollector: JSONTokenSink, Sendable {
  private enum Partial: Sendable {
    case object([String: JSONValue], name: String?)
    case array([JSONValue])
  }

  let paths: [JSONPath]
  let limits: JSONLimits
  var records: [JSONRecord] = []
  private(set) var hasSeenContainer = false
  private let containers: [JSONPath]

  // To the value that comes next; one for each open container outside a record.
  private var steps: [JSONStep] = []
  private var building: [Partial] = []
  private var start = JSONPosition(line: 1, column: 1, offset: 0)
  private var nodes = 0

  init(paths: [JSONPath], limits: JSONLimits) {
    self.paths = paths
    self.limits = limits
    // A path that names one value has no container of its own.
    containers = paths.filter { $0.container.parts.count < $0.parts.count }.map(\.container)
  }

  mutating func take(_ token: JSONToken, at position: JSONPosition) throws(JSONError) {
    if building.isEmpty { try outside(token, at: position) } else { try inside(token, at: position) }
  }

  private mutating func outside(_ token: JSONToken, at position: JSONPosition) throws(JSONError) {
    switch token {
    case .name(let name):
      steps[steps.count - 1] = .member(name)
    case .endObject, .endArray:
      steps.removeLast()
      advance()
    case .beginObject, .beginArray:
      noteContainer(isNull: false, isObject: token == .beginObject)
      if isWanted {
        start = position
        nodes = 1
        building = [token == .beginObject ? .object([:], name: nil) : .array([])]
      } else {
        steps.append(token == .beginArray ? .element(0) : .member(""))
      }
    case .scalar(let value):
      if value == .null { noteContainer(isNull: true, isObject: false) }
      if isWanted { records.append(JSONRecord(steps: steps, value: value, position: position)) }
      advance()
    }
  }

  private mutating func inside(_ token: JSONToken, at position: JSONPosition) throws(JSONError) {
    guard position.offset - start.offset <= limits.valueBytes else {
      throw JSONError(
        .valueTooLong, at: start, because: "a value is longer than \(limits.valueBytes) bytes")
    }
    switch token {
    case .name(let name):
      if case .object(let members, _) = building.removeLast() {
        building.append(.object(members, name: name))
      }
    case .beginObject: try open(.object([:], name: nil))
    case .beginArray: try open(.array([]))
    case .scalar(let value):
      try count()
      add(value)
    case .endObject, .endArray:
      let finished: JSONValue
      switch building.removeLast() {
      case .object(let members, _): finished = .object(members)
      case .array(let elements): finished = .array(elements)
      }
      if building.isEmpty {
        records.append(JSONRecord(steps: steps, value: finished, position: start))
        advance()
      } else {
        add(finished)
      }
    }
  }

  private mutating func noteContainer(isNull: Bool, isObject: Bool) {
    guard !hasSeenContainer else { return }
    for (path, container) in zip(paths.filter { $0.container.parts.count < $0.parts.count }, containers)
    where container.matches(steps) {
      let wantsObject = path.parts[container.parts.count] == .anyMember
      if isNull || wantsObject == isObject { hasSeenContainer = true }
    }
  }

  private var isWanted: Bool { paths.contains { $0.matches(steps) } }

  /// After a value in an array comes the next element.
  private mutating func advance() {
    if case .element(let index) = steps.last { steps[steps.count - 1] = .element(index + 1) }
  }

  private mutating func open(_ partial: Partial) throws(JSONError) {
    try count()
    building.append(partial)
  }

  private mutating func count() throws(JSONError) {
    nodes += 1
    guard nodes <= limits.nodes else {
      throw JSONError(.tooManyNodes, at: start, because: "a value holds more than \(limits.nodes) values")
    }
  }

  private mutating func add(_ value: JSONValue) {
    switch building.removeLast() {
    case .object(var members, let name):
      if let name { members[name] = value }
      building.append(.object(members, name: nil))
    case .array(var elements):
      elements.append(value)
      building.append(.array(elements))
    }
  }
}
