/// Builds the values at the wanted paths.
struct JSONRecordCollector: JSONTokenSink, Sendable {
  private enum Partial: Sendable {
    case object([String: JSONValue], name: String?)
    case array([JSONValue])
  }

  let paths: [JSONPath]
  let limits: JSONLimits
  var records: [JSONRecord] = []
  /// Records larger than the limits, when these are passed over.
  private(set) var oversized: [JSONError] = []
  private(set) var hasSeenContainer = false
  private let containers: [JSONPath]
  private let marks: [JSONPath]

  // To the value that comes next; one for each open container outside a record.
  private var steps: [JSONStep] = []
  private var building: [Partial] = []
  private var start = JSONPosition(line: 1, column: 1, offset: 0)
  private var nodes = 0
  private let passesOver: Bool
  private var excess: JSONError?  // of the record being read, which is not kept
  private var excessDepth = 0

  /// - Parameters:
  ///   - passesOver: a record larger than the limits is noted and the next one read; else it is an error.
  ///   - marks: lists and objects whose beginning is a record of its own, an empty one.
  init(paths: [JSONPath], limits: JSONLimits, passesOver: Bool = false, marks: [JSONPath] = []) {
    self.marks = marks
    self.paths = paths
    self.limits = limits
    self.passesOver = passesOver
    // A path that names one value has no container of its own.
    containers = paths.filter { $0.container.parts.count < $0.parts.count }.map(\.container)
  }

  mutating func take(_ token: JSONToken, at position: JSONPosition) throws(JSONError) {
    if excess != nil {
      beyond(token)
    } else if building.isEmpty {
      try outside(token, at: position)
    } else {
      do throws(JSONError) {
        try inside(token, at: position)
      } catch {
        guard passesOver else { throw error }
        excess = error
        excessDepth = building.count
        building = []
        beyond(token)
      }
    }
  }

  /// Follows a record that is not kept to its end.
  private mutating func beyond(_ token: JSONToken) {
    switch token {
    case .beginObject, .beginArray: excessDepth += 1
    case .endObject, .endArray: excessDepth -= 1
    case .name, .scalar: break
    }
    guard excessDepth == 0, let error = excess else { return }
    oversized.append(error)
    excess = nil
    advance()
  }

  /// What was completed since the last call.
  mutating func completed() -> (records: [JSONRecord], oversized: [JSONError]) {
    defer {
      records = []
      oversized = []
    }
    return (records, oversized)
  }

  /// Where the record that is being read begins and how deep; nil between records.
  var openRecord: (start: JSONPosition, depth: Int)? {
    building.isEmpty && excess == nil ? nil : (start, steps.count)
  }

  /// The first name of the record that is being read; with it the next record begins, too.
  private(set) var firstName: String?

  /// Forgets the record that is being read, which is damaged.
  mutating func abandon() {
    building = []
    excess = nil
  }

  /// The damaged record's end was found.
  mutating func skipped() { advance() }

  /// Forgets everything that is open.
  mutating func startAgain() {
    abandon()
    steps = []
    bareListLine = nil
  }

  /// The line on which a list at the top began, while it has held nothing but scalars.
  private(set) var bareListLine: Int?

  private mutating func outside(_ token: JSONToken, at position: JSONPosition) throws(JSONError) {
    switch token {
    case .name(let name):
      steps[steps.count - 1] = .member(name)
    case .endObject, .endArray:
      steps.removeLast()
      advance()
    case .beginObject, .beginArray:
      bareListLine = steps.isEmpty && token == .beginArray ? position.line : nil
      noteContainer(isObject: token == .beginObject)
      if isWanted, token == .beginObject || !elementsAreWanted {
        start = position
        nodes = 1
        firstName = nil
        building = [token == .beginObject ? .object([:], name: nil) : .array([])]
      } else {
        if marks.contains(where: { $0.matches(steps) }) {
          let empty: JSONValue = token == .beginArray ? .array([]) : .object([:])
          records.append(JSONRecord(steps: steps, value: empty, position: position))
        }
        steps.append(token == .beginArray ? .element(0) : .member(""))
      }
    case .scalar(let value):
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
      if firstName == nil { firstName = name }
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

  /// `null` in its place is none: what would stand in it is not known.
  private mutating func noteContainer(isObject: Bool) {
    guard !hasSeenContainer else { return }
    for (path, container) in zip(paths.filter { $0.container.parts.count < $0.parts.count }, containers)
    where container.matches(steps) {
      let wantsObject = path.parts[container.parts.count] == .anyMember
      if wantsObject == isObject { hasSeenContainer = true }
    }
  }

  private var isWanted: Bool { paths.contains { $0.matches(steps) } }

  /// A list whose elements are records is none itself.
  private var elementsAreWanted: Bool {
    paths.contains { $0.parts.count > steps.count && $0.matches(steps + [.element(0)]) }
  }

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
