import Incidents
import JSON

/// How records stand in a JSON report.
enum JSONFraming: Sendable {
  /// One a line; a scanner that found nothing writes nothing.
  case lines
  /// In a list.
  case list
  /// At these paths of one or more JSON texts.
  case paths([JSONPath])

  /// People hand every shape on as every other (`jq -s .`, `jq -c '.[]'`, `cat`), so each is read for each.
  var paths: [JSONPath] {
    switch self {
    case .lines, .list: [JSONPath(), JSONPath(.anyElement), JSONPath(.anyElement, .anyElement)]
    case .paths(let paths): paths + paths.map { JSONPath([.anyElement] + $0.parts) }
    }
  }
}

/// A format whose records are JSON values.
protocol JSONReportFormat: ReportFormat {
  static var framing: JSONFraming { get }
  /// Lists and objects whose beginning is handed to ``items(in:context:)`` as an empty record.
  static var marks: [JSONPath] { get }
  /// The findings of one record; none when the record is no finding (a summary, a log line).
  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  /// What the whole report shows once it was read: that it cannot be complete.
  static func closing(_ context: ReportContext) -> [RecordItem]
  /// How to scan so that an empty result shows that the scan came to its end; nil: the report itself shows it.
  static var whole: String? { get }
}

/// What a record says.
enum RecordItem: Sendable {
  case finding(Finding)
  /// Settled, and why.
  case setAside(String)
  /// A part of the record that cannot be read, and why; the other parts can.
  case malformed(String)
  /// The report, or the scan, is not whole: why, and how to scan again.
  case incomplete(String, fix: String = RecordItem.again)
  /// A program's log and no finding.
  case log

  static let again = "run the scan again and keep all of its output"

  /// The items of each part of a record; one that cannot be read does not cost the others.
  static func each<Part>(
    _ parts: some Sequence<Part>, _ items: (Part) throws(RecordProblem) -> [RecordItem]
  ) -> [RecordItem] {
    parts.flatMap { part in
      do throws(RecordProblem) {
        return try items(part)
      } catch {
        return [.malformed(error.because)]
      }
    }
  }

  /// As above for the objects of a list; an element that is none is one part that cannot be read.
  static func each(
    _ member: String, of fields: RecordFields, _ items: (RecordFields) throws(RecordProblem) -> [RecordItem]
  ) throws(RecordProblem) -> [RecordItem] {
    each(try fields.array(member).enumerated()) { index, element throws(RecordProblem) in
      try items(RecordFields(element, "\(member)[\(index)]"))
    }
  }

  /// The item for whoever reads the report; nil for a log's line, which is counted.
  func placed(at position: JSONPosition, _ context: ReportContext) -> ReportItem? {
    func record(_ because: String) -> UnreadRecord {
      UnreadRecord(line: position.line, column: position.column, because: because)
    }
    switch self {
    case .finding(var finding):
      finding.location = finding.location.map(context.settled)
      return .finding(finding)
    case .setAside(let reason): return .setAside(record(reason))
    case .malformed(let reason): return .malformed(record(reason))
    case .incomplete(let reason, let fix):
      return .malformed(
        UnreadRecord(line: position.line, column: position.column, because: reason, fix: fix))
    case .log: return nil
    }
  }

  var isMalformed: Bool {
    switch self {
    case .malformed, .incomplete: true
    case .finding, .setAside, .log: false
    }
  }
  var isLog: Bool { if case .log = self { true } else { false } }
}

extension JSONReportFormat {
  static var marks: [JSONPath] { [] }
  static func closing(_ context: ReportContext) -> [RecordItem] { [] }
  static var whole: String? { nil }

  static func reader(_ context: ReportContext) -> any ReportReader {
    JSONRecordsReportReader<Self>(context)
  }

  fileprivate static func items(of record: JSONRecord, _ context: inout ReportContext) -> [RecordItem] {
    // A list around the whole report is no part of a path.
    let steps = record.steps.drop { if case .element = $0 { true } else { false } }
    let record = JSONRecord(steps: Array(steps), value: record.value, position: record.position)
    do throws(RecordProblem) {
      return try items(in: record, context: &context)
    } catch {
      return [.malformed(error.because)]
    }
  }
}

/// Reads records of any shape in which people hand JSON on: one a line, pretty-printed, in a list, in several.
private struct JSONRecordsReportReader<Format: JSONReportFormat>: ReportReader {
  private var context: ReportContext
  private var records: JSONSalvageReader
  private var text = TextLines()
  /// A record stands where findings do, whatever became of it.
  private var hasSeenFinding = false
  private var findings = 0
  /// The first place where `null` stands instead of one.
  private var null: JSONPosition?

  init(_ context: ReportContext) {
    self.context = context
    records = JSONSalvageReader(
      Format.framing.paths, limits: context.options.limits,
      marking: Format.marks + Format.marks.map { JSONPath([.anyElement] + $0.parts) })
  }

  var scannedDirectories: [String] { context.scannedDirectories }

  mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
    items(records.feed(piece))
  }

  mutating func finish() throws(ReportError) -> [ReportItem] {
    let last = items(records.finish())
    let isNullList = if case .list = Format.framing { records.hasSeenNull } else { false }
    // Damage names itself.
    guard
      records.hasSeenContainer || hasSeenFinding || isNullList || context.isShown || null != nil
        || last.contains(where: \.isMalformed)
    else { throw nothing }
    let start = JSONPosition(line: 1, column: 1, offset: 0)
    var closing = Format.closing(context).compactMap { $0.placed(at: start, context) }
    if let null {
      let record = UnreadRecord(
        line: null.line, column: null.column, because: "null stands where a finding is expected",
        fix: Format.whole ?? RecordItem.again)
      closing.append(findings == 0 ? .malformed(record) : .setAside(record))
    }
    return last + closing + text.items
  }

  /// Nothing was read, so nothing says that nothing was found.
  private var nothing: ReportError {
    guard case .lines = Format.framing, text.count == 0 else {
      return ReportError(
        .malformed, at: context.options.sourceName,
        because:
          "there is no list of findings where \(Format.name) has it, so nothing shows what was scanned",
        fix: "scan again; or leave --format out, or name the report's own format")
    }
    return ReportError(
      .empty, at: context.options.sourceName,
      because: "the report is empty, and nothing shows that the scan came to its end",
      fix: Format.whole ?? RecordItem.again)
  }

  private mutating func items(_ salvaged: [JSONSalvageReader.Item]) -> [ReportItem] {
    var items: [ReportItem] = []
    for item in salvaged {
      switch item {
      case .record(let record):
        if note(record) { items += placed(Format.items(of: record, &context), record) }
      case .embedded(let record):
        let found = Format.items(of: record, &context)
        // A log's line with an object of its own.
        let isLog = found.contains { $0.isMalformed || $0.isLog }
        if isLog || note(record) { items += placed(isLog ? [.log] : found, record) }
      case .text(let line): text.add(line)
      case .damaged(let error, let isRest): items.append(.malformed(UnreadRecord(error, isRest: isRest)))
      }
    }
    return items
  }

  /// Notes that a record stands where findings do, or `null` in its place. - Returns: false for that.
  private mutating func note(_ record: JSONRecord) -> Bool {
    if case .member? = record.steps.last { return true }
    if record.value == .null { null = null ?? record.position } else { hasSeenFinding = true }
    return record.value != .null
  }

  private mutating func placed(_ items: [RecordItem], _ record: JSONRecord) -> [ReportItem] {
    findings += items.count { if case .finding = $0 { true } else { false } }
    return items.compactMap { item in
      guard let placed = item.placed(at: record.position, context) else {
        text.add(record.position.line)
        return nil
      }
      return placed
    }
  }
}

/// Lines of a report that hold text and no record, named once.
struct TextLines: Sendable {
  private(set) var count = 0
  private var lines: [Int] = []

  mutating func add(_ line: Int) {
    count += 1
    if lines.count < 3 { lines.append(line) }
  }

  var items: [ReportItem] {
    guard let first = lines.first else { return [] }
    let named = lines.map(String.init).joined(separator: ", ") + (count > lines.count ? " and others" : "")
    return [
      .setAside(
        UnreadRecord(
          line: first,
          because: "\(count) line\(count == 1 ? " holds" : "s hold") a program's text and no record: \(named)"
        ))
    ]
  }
}

extension ReportItem {
  fileprivate var isMalformed: Bool { if case .malformed = self { true } else { false } }
}

extension UnreadRecord {
  init(_ error: JSONError, isRest: Bool) {
    self.init(
      line: error.position.line, column: error.position.column,
      because: isRest ? "\(error.because); nothing after this place was read" : error.because)
  }
}
