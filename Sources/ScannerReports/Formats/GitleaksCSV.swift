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
    private var rows = CSVReader()
    private var head: [String] = []

    init(context: ReportContext) { self.context = context }

    var scannedDirectories: [String] { context.scannedDirectories }

    mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
      do throws(CSVReader.Malformed) {
        return try items(rows.feed(piece))
      } catch {
        throw failure(error)
      }
    }

    mutating func finish() throws(ReportError) -> [ReportItem] {
      do throws(CSVReader.Malformed) {
        return try items(rows.finish())
      } catch {
        throw failure(error)
      }
    }

    private func failure(_ error: CSVReader.Malformed) -> ReportError {
      ReportError(
        .malformed, at: "\(context.options.sourceName):\(error.line)", because: error.because,
        fix:
          "scan again with -f json, or read what stands before this line: staunch respond REPORT --keep-going"
      )
    }

    private mutating func items(_ rows: [CSVReader.Row]) throws(CSVReader.Malformed) -> [ReportItem] {
      var items: [ReportItem] = []
      for row in rows {
        if head.isEmpty {
          guard Set(row.fields).isSuperset(of: ["RuleID", "File", "Secret"]) else {
            throw CSVReader.Malformed(
              line: row.line, because: "the first line does not name gitleaks' columns")
          }
          head = row.fields
        } else {
          items.append(item(row))
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
