import Incidents
import JSON

/// How records stand in a JSON report.
enum JSONFraming: Sendable {
  /// One a line.
  case lines
  /// At these paths of one or more JSON texts.
  case paths([JSONPath])
}

/// A format whose records are JSON values.
protocol JSONReportFormat: ReportFormat {
  static var framing: JSONFraming { get }
  /// The findings of one record; none when the record is no finding (a summary, a log line).
  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
}

/// What a record says.
enum RecordItem: Sendable {
  case finding(Finding)
  /// Settled, and why.
  case setAside(String)
}

extension JSONReportFormat {
  static func reader(_ context: ReportContext) -> any ReportReader {
    switch framing {
    case .lines: JSONLinesReportReader<Self>(context)
    case .paths(let paths): JSONPathsReportReader<Self>(context, paths)
    }
  }

  fileprivate static func items(of record: JSONRecord, _ context: inout ReportContext) -> [ReportItem] {
    do throws(RecordProblem) {
      return try items(in: record, context: &context).map { item in
        switch item {
        case .finding(var finding):
          finding.location = finding.location.map(context.settled)
          return .finding(finding)
        case .setAside(let reason):
          return .setAside(
            UnreadRecord(line: record.position.line, column: record.position.column, because: reason))
        }
      }
    } catch {
      return [
        .malformed(
          UnreadRecord(line: record.position.line, column: record.position.column, because: error.because))
      ]
    }
  }
}

private struct JSONLinesReportReader<Format: JSONReportFormat>: ReportReader {
  private var context: ReportContext
  private var lines: JSONLinesReader

  init(_ context: ReportContext) {
    self.context = context
    lines = JSONLinesReader(limits: context.options.limits)
  }

  var scannedDirectories: [String] { context.scannedDirectories }

  mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
    items(lines.feed(piece))
  }

  mutating func finish() throws(ReportError) -> [ReportItem] { items(lines.finish()) }

  private mutating func items(_ lines: [JSONLinesReader.Line]) -> [ReportItem] {
    var items: [ReportItem] = []
    for line in lines {
      switch line {
      case .record(let record): items += Format.items(of: record, &context)
      case .malformed(let error):
        items.append(
          .malformed(
            UnreadRecord(line: error.position.line, column: error.position.column, because: error.because)))
      }
    }
    return items
  }
}

private struct JSONPathsReportReader<Format: JSONReportFormat>: ReportReader {
  private var context: ReportContext
  private var records: JSONRecordReader

  init(_ context: ReportContext, _ paths: [JSONPath]) {
    self.context = context
    records = JSONRecordReader(paths, limits: context.options.limits, content: .values)
  }

  var scannedDirectories: [String] { context.scannedDirectories }

  mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
    do throws(JSONError) {
      return items(try records.feed(piece))
    } catch {
      throw ReportError(error, context)
    }
  }

  mutating func finish() throws(ReportError) -> [ReportItem] {
    let last: [ReportItem]
    do throws(JSONError) {
      last = items(try records.finish())
    } catch {
      throw ReportError(error, context)
    }
    guard records.hasSeenContainer else {
      throw ReportError(
        .malformed, at: context.options.sourceName,
        because: "there is no list of findings where \(Format.name) has it",
        fix: "leave --format out, or name the report's own format")
    }
    return last
  }

  private mutating func items(_ records: [JSONRecord]) -> [ReportItem] {
    var items: [ReportItem] = []
    for record in records { items += Format.items(of: record, &context) }
    return items
  }
}

extension ReportError {
  init(_ error: JSONError, _ context: ReportContext) {
    self.init(
      error.code.isLimit ? .tooLarge : .malformed, at: "\(context.options.sourceName):\(error.position)",
      because: error.because,
      fix: "scan again and keep the whole report, or read what stands before this place: staunch respond "
        + "REPORT --keep-going")
  }
}

extension JSONError.Code {
  fileprivate var isLimit: Bool {
    switch self {
    case .tooDeep, .tooManyNodes, .stringTooLong, .numberTooLong, .valueTooLong: true
    case .syntax, .unexpectedEnd, .trailingBytes, .invalidText, .nullCharacter, .duplicateName,
      .numberTooLarge:
      false
    }
  }
}
