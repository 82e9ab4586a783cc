public import Incidents

/// Reads one report of any format in pieces: recognises the format, then hands out findings as they come.
///
/// Memory is bounded by the opening (64 KiB) and one record, whatever the report's length.
public struct ReportReading: Sendable {
  private let options: ReportOptions
  private var text: ReportText
  private var terminal: TerminalSequences?
  private var opening: [UInt8] = []
  private var reader: (any ReportReader)?
  private var isBroken = false
  /// The recognised or given format's name; nil until enough was read.
  public private(set) var format: String?

  public init(_ options: ReportOptions) {
    self.options = options
    text = ReportText(sourceName: options.sourceName)
  }

  /// `location` as the whole report read so far understands it: some reports say only at their end what was scanned.
  public func settled(_ location: Location) -> Location {
    location.settled(scanned: reader?.scannedDirectories ?? [], repository: options.repository)
  }

  /// Reads the next piece.
  /// - Throws: ``ReportError``; with `keepGoing` only for an unknown format.
  public mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
    guard !isBroken else { return [] }
    return try take(try text.decode(piece))
  }

  private mutating func take(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
    if reader == nil {
      opening += piece
      guard opening.count >= ReportOpening.length else { return [] }
      return try begin()
    }
    let plain = terminal?.removed(from: piece) ?? piece
    return try checked { reader throws(ReportError) in try reader.feed(plain) }
  }

  /// The report is over.
  public mutating func finish() throws(ReportError) -> [ReportItem] {
    guard !isBroken else { return [] }
    var items = try take(try text.finish())
    if reader == nil { items += try begin() }
    guard !isBroken else { return items }
    return items + (try checked { reader throws(ReportError) in try reader.finish() })
  }

  private mutating func begin() throws(ReportError) -> [ReportItem] {
    var piece = opening[...]
    opening = []
    var terminal = TerminalSequences()
    let plain = terminal.removed(from: piece)
    let chosen = try Registry.format(named: options.format, for: Array(plain), of: options.sourceName)
    format = chosen.name
    reader = chosen.reader(ReportContext(options))
    // A table's fields may hold any byte.
    if chosen != GitleaksCSV.self {
      self.terminal = terminal
      piece = plain
    }
    return try checked { reader throws(ReportError) in try reader.feed(piece) }
  }

  private mutating func checked(
    _ read: (inout any ReportReader) throws(ReportError) -> [ReportItem]
  ) throws(ReportError) -> [ReportItem] {
    guard var current = reader else { return [] }
    reader = nil  // one owner: the reader's buffers are not copied
    let items: [ReportItem]
    do throws(ReportError) {
      items = try read(&current)
      reader = current
    } catch {
      reader = current
      guard options.keepGoing else { throw error }
      isBroken = true
      return [.malformed(UnreadRecord(error))]
    }
    guard !options.keepGoing else { return items }
    for case .malformed(let record) in items {
      throw ReportError(
        .malformed, at: "\(options.sourceName):\(record.place)", because: record.because,
        fix: record.fix.map { "\($0); what this report does hold: the same command with --keep-going" }
          ?? "correct the record, or leave such records out and have each named: the same command with --keep-going"
      )
    }
    return items
  }
}

extension UnreadRecord {
  fileprivate init(_ error: ReportError) {
    let numbers = error.place.split(separator: ":").suffix(2).compactMap { Int($0) }
    self.init(
      line: numbers.first ?? 1, column: numbers.count == 2 ? numbers[1] : nil,
      because: "\(error.because); nothing after this place was read")
  }
}
