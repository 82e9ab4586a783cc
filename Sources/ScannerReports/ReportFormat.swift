public import Incidents

/// A scanner's report format or a platform's message: one file in `Formats/` and one line in ``Registry``.
public protocol ReportFormat: Sendable {
  /// The word after `--format`.
  static var name: String { get }
  /// Its row in docs/REPORTS.md.
  static var summary: String { get }
  /// True when a report that begins like this has this format.
  static func recognizes(_ opening: ReportOpening) -> Bool
  /// A reader for one report.
  static func reader(_ context: ReportContext) -> any ReportReader
}

/// Reads one report in pieces of any size; keeps at most one record.
public protocol ReportReader: Sendable {
  /// - Throws: ``ReportError`` when nothing after this place can be read.
  mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem]
  /// The report is over.
  mutating func finish() throws(ReportError) -> [ReportItem]
  /// Directories that the report says were scanned, as far as it was read: their names stand before paths.
  var scannedDirectories: [String] { get }
}

/// What stood in a report.
public enum ReportItem: Sendable {
  case finding(Finding)
  /// A record that could not be read.
  case malformed(UnreadRecord)
  /// A finding that the report itself marks as settled: a false positive, suppressed, no longer there.
  case setAside(UnreadRecord)
}

/// A record of which no finding was made, and why. Never quotes the report.
public struct UnreadRecord: Sendable, Hashable, CustomStringConvertible {
  /// From 1.
  public let line: Int
  /// From 1, in bytes; nil where only the line is known.
  public let column: Int?
  /// One sentence, starting lower-case.
  public let because: String
  /// How to scan again, where the report as a whole is what cannot be taken; nil: it is one record.
  public let fix: String?

  public init(line: Int, column: Int? = nil, because: String, fix: String? = nil) {
    self.line = line
    self.column = column
    self.because = because
    self.fix = fix
  }

  /// `line:column`
  public var place: String { column.map { "\(line):\($0)" } ?? "\(line)" }
  public var description: String { "\(place): \(because)" }
}
