import Foundation
import Incidents
import JSON
import Secrets

/// What a format knows while it reads one report.
public struct ReportContext: Sendable {
  public let options: ReportOptions
  /// Directories that the report itself says were scanned.
  public internal(set) var scannedDirectories: [String] = []
  /// The tool that wrote the report, once it has said so (SARIF names it before or after the results).
  public internal(set) var tool: String?
  /// The commit that the records at hand belong to, where the report names it once for many.
  public internal(set) var commit: String?
  /// Ids of the tool's rules by their numbers, as far as the report has listed them.
  var rules: [Int: String] = [:]
  /// The number of the run that the records at hand belong to, in a report of several.
  var run: JSONStep?
  /// The run at hand has shown no list of results yet.
  var isRunOpen = false
  /// The report has shown that it counts its findings, also where it lists none.
  var isShown = false
  /// The scanner's log says that the scan came to its end.
  var isFinished = false
  /// Errors of which the scanner's log tells.
  var errors = 0
  /// Records of findings that were read.
  var read = 0
  /// How many findings the report says it has, by the part of it that says so.
  var announced: [String: Int] = [:]

  public init(_ options: ReportOptions) {
    self.options = options
    if let directory = options.scannedDirectory { scannedDirectories = [directory] }
  }

  mutating func addScannedDirectory(_ directory: String) {
    if !scannedDirectories.contains(directory) { scannedDirectories.append(directory) }
  }

  /// The kinds that a scanner's word may mean.
  func kinds(_ word: String, _ vocabularies: KindVocabulary...) -> [CredentialKind] {
    options.table.kinds(named: word, in: vocabularies)
  }

  /// A finding made of a rule and, where the report holds one, a value. The value becomes a ``Secret`` here.
  ///
  /// A value with U+FFFD in it is not what stands in the file: the scanner, or the reading of its report, has put that mark
  /// in the place of bytes that are no text. Such a finding has no value.
  func finding(_ source: FindingSource, detector: Detector, kinds: [CredentialKind], value: String?)
    -> Finding
  {
    let secret = value.flatMap { $0.isEmpty || $0.unicodeScalars.contains("\u{FFFD}") ? nil : Secret($0) }
    return finding(source, detector: detector, kinds: kinds, secret: secret)
  }

  /// As above, with a value that need not be text.
  func finding(_ source: FindingSource, detector: Detector, kinds: [CredentialKind], secret: Secret?)
    -> Finding
  {
    let reading =
      if let secret {
        CredentialReading(of: secret, rule: detector.rule, kinds: kinds, table: options.table)
      } else {
        CredentialReading(kinds: kinds)
      }
    var finding = Finding(
      source: source, kind: reading.kind, detector: detector, observedAt: options.observedAt)
    finding.alternatives = reading.alternatives
    finding.secret = reading.secret
    finding.handle = reading.handle
    finding.deliveryID = options.deliveryID
    return finding
  }

  /// `location` with the scanned directory's name taken off its path and the given repository filled in.
  func settled(_ location: Location) -> Location {
    location.settled(scanned: scannedDirectories, repository: options.repository)
  }
}

extension Location {
  /// This place with the scanned directory's name taken off its path; the directory names the repository when nothing else
  /// does. Safe to repeat.
  func settled(scanned directories: [String], repository known: RepositoryRef?) -> Location {
    var location = self
    if location.repository == nil { location.repository = known }
    for directory in directories {
      let relative = location.relative(toScanned: directory)
      guard relative.path != location.path else { continue }
      location.path = relative.path
      if location.repository == nil {
        location.repository = directory.split(separator: "/").last.map { RepositoryRef(name: String($0)) }
      }
      break
    }
    // Paths of history never hold Windows' separators.
    if location.commit == nil, let path = location.path { location.path = ReportedPath.file(path) }
    if let path = location.path {
      if path.hasPrefix("./") { location.path = String(path.dropFirst(2)) }
      if path.contains("!"), location.encoding == .plain { location.encoding = .archive }
    }
    return location
  }
}
