import Incidents
import JSON

/// gitleaks v8 JUnit: each `<failure>` holds a finding as JSON text. Source: gitleaks report/junit.go.
///
/// Only the text of `failure` elements is read, element by element. Document types and entities of one's own are
/// refused: no report needs them, and they are how XML readers are attacked.
enum GitleaksJUnit: ReportFormat {
  static let name = "gitleaks-junit"
  static let summary = "gitleaks v8 JUnit (`gitleaks git -f junit`)"

  static func recognizes(_ opening: ReportOpening) -> Bool { opening.shape == .markup }

  static func reader(_ context: ReportContext) -> any ReportReader { Reader(context: context) }

  private struct Reader: ReportReader {
    let context: ReportContext
    private var elements: ElementTextReader
    private var read = 0
    /// Thrown at the next call: what stands before the place is handed out first.
    private var held: ReportError?

    init(context: ReportContext) {
      self.context = context
      elements = ElementTextReader(
        element: "failure", counted: ("testsuite", "failures"), roots: ["testsuites", "testsuite"],
        maximumBytes: context.options.limits.stringBytes)
    }

    var scannedDirectories: [String] { context.scannedDirectories }

    mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
      if let held { throw held }
      var found: [ElementTextReader.Element] = []
      do throws(UnreadMarkup) {
        try elements.feed(piece, into: &found)
      } catch {
        held = failure(error)
        if found.isEmpty { throw failure(error) }
      }
      read += found.count
      return found.map(item)
    }

    mutating func finish() throws(ReportError) -> [ReportItem] {
      if let held { throw held }
      do throws(UnreadMarkup) {
        try elements.finish()
        return counted.map { [$0] } ?? []
      } catch {
        throw failure(error)
      }
    }

    /// What a test suite's own count says about the report; nil: that it is whole.
    private var counted: ReportItem? {
      guard let announced = elements.announced else {
        guard read == 0 else { return nil }
        return .malformed(
          UnreadRecord(
            line: 1, because: "no test suite counts its failures: nothing shows that the scan ran",
            fix: RecordItem.again)
        )
      }
      guard announced > read else { return nil }
      let record = UnreadRecord(
        line: 1, because: "the report holds \(read) of the \(announced) findings that its test suite counts",
        fix: RecordItem.again)
      return read == 0 ? .malformed(record) : .setAside(record)
    }

    private func failure(_ error: UnreadMarkup) -> ReportError {
      ReportError(
        .malformed, at: "\(context.options.sourceName):\(error.line)", because: error.because,
        fix:
          "scan again with -f json, or read what stands before this line: the same command with --keep-going"
      )
    }

    private func item(_ element: ElementTextReader.Element) -> ReportItem {
      if let problem = element.problem {
        return .malformed(UnreadRecord(line: element.line, because: problem))
      }
      var records = JSONSalvageReader([JSONPath()], limits: context.options.limits)
      var value: JSONValue?
      for item in records.feed(element.text[...]) + records.finish() {
        switch item {
        case .record(let record), .embedded(let record): value = record.value
        case .damaged(let error, _):
          return .malformed(
            UnreadRecord(line: element.line, because: "the failure's text is no JSON: \(error.because)"))
        case .text:
          return .malformed(UnreadRecord(line: element.line, because: "the failure's text is no JSON"))
        }
      }
      do throws(RecordProblem) {
        var finding = try Gitleaks.finding(RecordFields(value, ""), source: .gitleaks, context: context)
        finding.location = finding.location.map(context.settled)
        return .finding(finding)
      } catch {
        return .malformed(UnreadRecord(line: element.line, because: error.because))
      }
    }
  }
}
