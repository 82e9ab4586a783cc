/// Reads the records of a text that may be damaged: a record that cannot be read is named, and the next one is found again.
///
/// Between records stands what terminals, logs and people leave there: lines of text, commas, lists within lists. Strings are
/// cleaned (``JSONTokenizer/Text``). Memory is bounded by the largest record, as with ``JSONRecordReader``.
///
/// The end of a damaged record is where its brackets close. Where they do not, the next record begins with a `{` that is the
/// first on its line and stands in the same column, or is followed by the name with which the damaged record began.
public struct JSONSalvageReader: Sendable {
  /// What stood in the text.
  public enum Item: Sendable {
    case record(JSONRecord)
    /// Text stands before it on its line, as a log's time.
    case embedded(JSONRecord)
    /// A record, or what may have been one, that cannot be read; `isRest` when nothing after it was read.
    case damaged(JSONError, isRest: Bool)
    /// The number of a line that holds text and no record.
    case text(line: Int)
  }

  private enum Mode: Sendable {
    case reading
    case passing(JSONDamage)
    case text(JSONTextLine)
  }

  private var tokenizer: JSONTokenizer
  private var collector: JSONRecordCollector
  private var mode = Mode.reading
  private var held: [UInt8] = []  // of a place that only the next piece explains
  private var firstName: String?
  private var isEmbedded = false
  private var hasSeenRecord = false
  /// The text holds `null` on a line of its own: some programs' word for a list without anything in it.
  public private(set) var hasSeenNull = false

  /// - Parameter marks: lists and objects whose beginning is a record of its own, an empty one: that they are there matters,
  ///   also when nothing is in them.
  public init(_ paths: [JSONPath], limits: JSONLimits = .standard, marking marks: [JSONPath] = []) {
    tokenizer = JSONTokenizer(limits: limits, content: .containers, text: .cleaned)
    collector = JSONRecordCollector(paths: paths, limits: limits, passesOver: true, marks: marks)
  }

  /// True once a record, or a list or object where records are expected, was seen; a text without is of another sort.
  public var hasSeenRecords: Bool { hasSeenRecord || hasSeenContainer }

  /// True once a list or object of records was seen, also one without any.
  public var hasSeenContainer: Bool { collector.hasSeenContainer }

  public mutating func feed(_ piece: ArraySlice<UInt8>) -> [Item] {
    guard held.isEmpty else {
      let whole = held + piece
      held = []
      return read(whole[...], isLast: false)
    }
    return read(piece, isLast: false)
  }

  /// The text is over.
  public mutating func finish() -> [Item] {
    var items = read(held[...], isLast: true)
    held = []
    switch mode {
    case .passing(let damage): items.append(.damaged(damage.error, isRest: true))
    case .text(let line):
      items += line.items
      if line.isNull { hasSeenNull = true }
    case .reading:
      do throws(JSONError) {
        try tokenizer.finish(into: &collector)
      } catch {
        items.append(.damaged(error, isRest: true))
      }
    }
    return items
  }

  private mutating func read(_ piece: ArraySlice<UInt8>, isLast: Bool) -> [Item] {
    var items: [Item] = []
    var rest = piece
    while !rest.isEmpty {
      switch mode {
      case .reading: items += readValues(&rest)
      case .text(var line):
        let end = line.take(rest, isLast: isLast)
        pass(over: end, of: &rest)
        switch line.state {
        case .open:
          mode = .text(line)
          held = Array(rest)  // a brace, after which a record may begin
          return items
        case .over:
          items += line.items
          if line.isNull { hasSeenNull = true }
          mode = .reading
        case .record:
          isEmbedded = true
          mode = .reading
        }
      case .passing(var damage):
        let found = damage.pass(rest, column: tokenizer.position.column, isLast: isLast)
        pass(over: found.upTo, of: &rest)
        switch found.outcome {
        case .open: mode = .passing(damage)
        case .undecided:
          held = Array(rest)
          mode = .passing(damage)
          return items
        case .resumed(let place):
          items.append(.damaged(damage.error, isRest: false))
          resume(place, after: damage)
        }
      }
    }
    return items
  }

  private mutating func pass(over end: Int, of rest: inout ArraySlice<UInt8>) {
    tokenizer.pass(over: rest[..<end])
    rest = rest[end...]
  }

  private mutating func readValues(_ rest: inout ArraySlice<UInt8>) -> [Item] {
    let before = tokenizer.position.offset
    do throws(JSONError) {
      try tokenizer.feed(rest, into: &collector)
      rest = rest[rest.endIndex...]
      return completed()
    } catch {
      rest = rest.dropFirst(tokenizer.position.offset - before)
      var items = completed()
      let place = tokenizer.position
      if tokenizer.depth == 0 {
        // A comma between two values harms nobody.
        if rest.first == 0x2C {
          pass(over: rest.startIndex + 1, of: &rest)
        } else {
          isEmbedded = false
          mode = .text(JSONTextLine(number: place.line))
        }
      } else if tokenizer.depth == 1, collector.openRecord == nil,
        let line = collector.bareListLine, line == place.line
      {
        // `[12:30:45] scanning`: a line of text that begins like a list.
        items.removeAll { if case .record(let record) = $0 { record.position.line == line } else { false } }
        tokenizer.resume(.atValue, depth: 0)
        collector.startAgain()
        mode = .text(JSONTextLine(number: line))
      } else {
        let open = collector.openRecord
        if let name = collector.firstName { firstName = name }
        collector.abandon()
        // A record that was cut off is named where it begins; the next one shows that it was.
        let isCut = error.code == .unexpectedEnd || (rest.first == 0x7B && !tokenizer.isInString)
        let named =
          isCut && open != nil
          ? JSONError(.unexpectedEnd, at: open?.start ?? place, because: "a record without its end") : error
        mode = .passing(
          JSONDamage(
            error: named, depth: tokenizer.depth, target: open?.depth ?? tokenizer.depth,
            isRecord: open != nil,
            isInObject: tokenizer.isInObject, isInString: tokenizer.isInString, column: open?.start.column,
            firstName: firstName))
      }
      return items
    }
  }

  private mutating func completed() -> [Item] {
    let (records, oversized) = collector.completed()
    if let name = collector.firstName { firstName = name }
    if !records.isEmpty { hasSeenRecord = true }
    var items: [(offset: Int, item: Item)] = records.map { record in
      (record.position.offset, isEmbedded ? .embedded(record) : .record(record))
    }
    items += oversized.map { ($0.position.offset, .damaged($0, isRest: false)) }
    if !items.isEmpty { isEmbedded = false }
    return items.sorted { $0.offset < $1.offset }.map(\.item)
  }

  private mutating func resume(_ place: JSONTokenizer.Resumption, after damage: JSONDamage) {
    mode = .reading
    isEmbedded = false
    tokenizer.resume(place, depth: damage.target)
    if damage.isRecord { collector.skipped() }
  }
}
