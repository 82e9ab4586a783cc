/// All formats, one line each. Order decides only where two formats recognise the same opening.
public enum Registry {
  /// The formats in the order in which they are tried.
  public static let formats: [any ReportFormat.Type] = [
    PlainFindings.self,
    CloudEvent.self,
    GitHubAlert.self,
    GitHubPartner.self,
    GitLabHook.self,
    GitGuardian.self,
    AWSHealth.self,
    SARIF.self,
    Kingfisher.self,
    KingfisherLines.self,
    TruffleHog.self,
    DetectSecrets.self,
    GitLabReport.self,
    GGShield.self,
    NoseyParker.self,
    NoseyParkerLines.self,
    StandardWebhook.self,
    Betterleaks.self,
    Gitleaks.self,
    GitleaksCSV.self,
    GitleaksJUnit.self,
  ]

  /// The format that `name` or the opening's content chooses.
  /// - Throws: ``ReportError`` `.noSuchFormat`, `.empty`, `.unknownFormat`.
  static func format(named name: String?, for bytes: [UInt8], of source: String) throws(ReportError)
    -> any ReportFormat.Type
  {
    let names = formats.map { $0.name }.joined(separator: ", ")
    if let name {
      if let format = formats.first(where: { $0.name == name.lowercased() }) { return format }
      throw ReportError(
        .noSuchFormat, at: source, because: "there is no format \"\(name)\"", fix: "use one of: \(names)")
    }
    let openings = ReportOpening.values(of: bytes)
    if openings.allSatisfy({ $0.shape == .empty }) {
      throw ReportError(
        .empty, at: source, because: "the report is empty",
        fix: "if the scanner found nothing there is nothing to do; otherwise scan again and keep its output")
    }
    for opening in openings {
      if let format = formats.first(where: { $0.recognizes(opening) }) { return format }
    }
    if openings.contains(where: { $0.shape == .otherJSON }) {
      throw ReportError(
        .unknownFormat, at: source, because: "null says nothing of what was scanned",
        fix: "if an old gitleaks wrote it, it found nothing: add --format gitleaks; otherwise scan again")
    }
    if let (scanner, command) = scannersText(bytes) {
      throw ReportError(
        .unknownFormat, at: source, because: "this is what \(scanner) shows to people, not a report",
        fix: "scan again for a report: \(command) | staunch respond -")
    }
    throw ReportError(
      .unknownFormat, at: source, because: "no format recognises this report",
      fix: "name its format, for example: staunch respond \(source) --format \(formats[0].name) (\(names))")
  }

  /// The scanner that printed this text for people, and its command for a report.
  private static func scannersText(_ bytes: [UInt8]) -> (scanner: String, command: String)? {
    let marks = [
      (" |Finding.........:", "Kingfisher", "kingfisher scan . --format jsonl --no-dedup"),
      ("Detector Type: ", "TruffleHog", "trufflehog git file://. --json"),
      ("\nRuleID: ", "gitleaks", "gitleaks git . -f json -r -"),
      ("secrets-engine-version: ", "ggshield", "ggshield secret scan path -r . --json"),
    ]
    let mark = marks.first { bytes.firstRange(of: Array($0.0.utf8)) != nil }
    return mark.map { ($0.1, $0.2) }
  }
}
