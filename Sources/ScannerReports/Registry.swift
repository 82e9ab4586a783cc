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
    let opening = ReportOpening(bytes)
    if opening.shape == .empty {
      throw ReportError(
        .empty, at: source, because: "the report is empty",
        fix: "if the scanner found nothing there is nothing to do; otherwise scan again and keep its output")
    }
    if let format = formats.first(where: { $0.recognizes(opening) }) { return format }
    throw ReportError(
      .unknownFormat, at: source, because: "no format recognises this report",
      fix: "name its format, for example: staunch respond \(source) --format \(formats[0].name) (\(names))")
  }
}
