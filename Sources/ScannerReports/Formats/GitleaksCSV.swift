import Incidents
import JSON

/// gitleaks v8 CSV: a head line, then a row for each finding. Source: gitleaks report/csv.go.
enum GitleaksCSV: ReportFormat {
  static let name = "gitleaks-csv"
  static let summary = "gitleaks v8 CSV (`gitleaks git -f csv`)"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .text && opening.firstLine.hasPrefix("RuleID,Commit,File,")
  }

  static func reader(_ context: ReportContext) -> any ReportReader { Reader(context: context) }

  private struct Reader: ReportReader {
    let context: ReportContext
    private var rows = CSVReader(cleansText: true)
    private var head: [String] = []
    private var hasRows = false
    /// Thrown at the next call: what stands before the place is handed out first.
    private var held: ReportError?

    init(context: ReportContext) { self.context = context }

    var scannedDirectories: [String] { context.scannedDirectories }

    mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
      try items(rows.salvage(piece))
    }

    mutating func finish() throws(ReportError) -> [ReportItem] {
      let last = try items(rows.salvage([], isLast: true))
      if let held { throw held }
      guard hasRows else {
        throw ReportError(
          .empty, at: context.options.sourceName,
          because: "there is no row, and nothing shows that the scan came to its end",
          fix: "scan for a list, which is also written when it is empty: gitleaks git . -f json -r -")
      }
      return last
    }

    private mutating func items(_ rows: [CSVReader.Salvaged]) throws(ReportError) -> [ReportItem] {
      if let held { throw held }
      var items: [ReportItem] = []
      for row in rows {
        if !head.isEmpty { hasRows = true }
        switch row {
        case .malformed(let error):
          hasRows = true
          items.append(.malformed(UnreadRecord(line: error.line, because: error.because)))
        case .row(let row) where head.isEmpty:
          guard Set(row.fields).isSuperset(of: ["RuleID", "File", "Secret"]) else {
            let error = ReportError(
              .malformed, at: "\(context.options.sourceName):\(row.line)",
              because: "the first line does not name gitleaks' columns", fix: "scan again with -f json")
            held = error
            guard !items.isEmpty else { throw error }
            return items
          }
          head = row.fields
        case .row(let row): items.append(item(row))
        }
      }
      return items
    }

    private func item(_ row: CSVReader.Row) -> ReportItem {
      guard row.fields.count == head.count else {
        return .malformed(
          UnreadRecord(line: row.line, because: "\(row.fields.count) fields instead of \(head.count)"))
      }
      var members: [String: JSONValue] = [:]
      for (name, field) in zip(head, row.fields) {
        let isNumber = ["StartLine", "EndLine", "StartColumn", "EndColumn"].contains(name)
        members[name] = isNumber ? Int(field).map { .integer($0) } ?? .string(field) : .string(field)
      }
      do throws(RecordProblem) {
        var finding = try Gitleaks.finding(
          RecordFields(.object(members), ""), source: .gitleaks, context: context)
        finding.location = finding.location.map(context.settled)
        return .finding(finding)
      } catch {
        return .malformed(UnreadRecord(line: row.line, because: error.because))
      }
    }
  }
}
