import Cryptography
import Foundation
public import Incidents
public import Secrets

/// Reads a value again where a report says that it stands: for detect-secrets, for redacted reports, and where only the
/// text around a value tells its kind (a password inside a URI, a key inside a service account's file).
///
/// Pure: the caller brings the file's contents, see ``complete(_:contents:)``.
public enum SecretRecovery {
  /// What reading again gave.
  public enum Result: Sendable {
    /// The finding with its value; several when one entry of the report stands for several values of the file.
    case found([Finding])
    /// The finding as it was, and why.
    case notFound(Finding, because: String)
  }

  /// Reads the contents of every finding that needs it; the others pass unchanged.
  ///
  /// - Parameter contents: the file at a location (its `path` is checked to stay inside), or nil when it is not there.
  public static func complete(
    _ findings: [Finding], table: KindTable = .builtin,
    contents: (Location) async -> Secret?
  ) async -> (findings: [Finding], unresolved: [UnreadRecord]) {
    var completed: [Finding] = []
    var unresolved: [UnreadRecord] = []
    for finding in findings {
      guard finding.needsSource, let location = finding.location else {
        completed.append(finding)
        continue
      }
      let result: Result
      if !location.isContained {
        result = .notFound(finding, because: "its path leads out of the repository")
      } else if let file = await contents(location) {
        result = recover(finding, from: file, table: table)
      } else {
        result = .notFound(
          finding,
          because:
            "there is no regular file of this path in the directory that was given; links are not followed")
      }
      switch result {
      case .found(let found): completed += found
      case .notFound(let finding, let because):
        completed.append(finding)
        if finding.secret == nil {
          unresolved.append(
            UnreadRecord(line: location.startLine ?? 1, because: "\(location.text): \(because)"))
        }
      }
    }
    return (completed, unresolved)
  }

  /// Reads one value again.
  /// - Parameter file: the contents of the finding's file.
  public static func recover(_ finding: Finding, from file: Secret, table: KindTable = .builtin) -> Result {
    let contents = file.exposeAsBytes()
    let lines = contents.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    guard let number = finding.location?.startLine, number >= 1, number <= lines.count else {
      return .notFound(finding, because: "the file has no such line")
    }
    let text = SourceText(contents: contents, lines: lines, number: number)
    if let secret = finding.secret { return .found([refined(finding, secret, text, table)]) }
    let values = values(of: finding, in: text, table)
    guard !values.isEmpty else { return .notFound(finding, because: why(finding, table)) }
    let found = values.map { value -> Finding in
      var copy = finding
      copy.apply(
        CredentialReading(
          of: Secret(SecretBytes(copying: value.bytes)), rule: finding.detector.rule,
          kinds: [finding.kind] + finding.alternatives, table: table))
      if value.line != number { copy.location?.startLine = value.line }
      if copy.secret == nil, copy.handle != nil, !CredentialReading.uriKinds.contains(copy.kind) {
        copy.secret = keySecret(near: text)
      }
      return refined(copy, copy.secret, text, table)
    }
    let known = found.filter { $0.secret != nil || !CredentialReading.uriKinds.contains($0.kind) }
    guard known.isEmpty, let first = found.first else { return .found(known) }
    return .notFound(
      first, because: "what stands there is a mask, a placeholder or no password that can be read")
  }

  /// Why nothing on the line was taken for the value. A guess would be searched for, and called clean, in its place.
  private static func why(_ finding: Finding, _ table: KindTable) -> String {
    let kinds = [finding.kind] + finding.alternatives
    let isTold =
      finding.handle != nil || finding.redactedMatch != nil || finding.weakHashes.sha1 != nil
      || finding.weakHashes.sha256 != nil
      || kinds.contains {
        CredentialReading.uriKinds.contains($0) || table.row(of: $0)?.prefixes.isEmpty == false
      }
    return isTold
      ? "no value on that line fits the report: the file has changed since"
      : "the report names only the line, and nothing tells which part of it is a \(finding.kind): "
        + "scan again without redaction, or give the value in staunch's own format (docs/REPORTS.md)"
  }

  // MARK: Finding the value

  private struct Value {
    let bytes: [UInt8]
    let line: Int
  }

  /// One rule after the other, the surest first.
  private static func values(of finding: Finding, in text: SourceText, _ table: KindTable) -> [Value] {
    func here(_ values: [[UInt8]]) -> [Value] { values.map { Value(bytes: $0, line: text.number) } }
    // A place is no value; the id of a key is read as one.
    if let handle = finding.handle, !CredentialReading.uriKinds.contains(finding.kind) {
      return here([Array(handle.utf8)])
    }
    if let key = text.privateKey { return here([key]) }
    let hashed = TextCandidates.all(in: text.line).filter { fits($0, finding.weakHashes) }
    if let value = hashed.first { return here([value]) }
    if let mask = finding.redactedMatch?.mask {
      return here(TextCandidates.all(in: text.line).filter { fits($0, mask: mask) }.alone)
    }
    if let match = finding.redactedMatch, let value = text.value(of: match) { return here([value]) }
    if let location = finding.location, finding.source == .kingfisher, location.encoding == .plain,
      let first = location.startColumn, let last = location.endColumn, first >= 1, first <= last,
      last <= text.line.count
    {
      return here([Array(text.line[(first - 1)..<last])])
    }
    let kinds = [finding.kind] + finding.alternatives
    if kinds.contains(where: CredentialReading.uriKinds.contains) {
      let uris = TextCandidates.uris(in: text.line)
      if uris.count == 1 { return here(uris) }
      if uris.isEmpty { return here(connectionStrings(in: text.line, kinds, table).alone) }
    }
    let prefixes = kinds.flatMap { table.row(of: $0)?.prefixes ?? [] }
    let tokens = TextCandidates.tokens(in: text.line, prefixes: prefixes)
    guard !tokens.isEmpty else { return [] }
    // detect-secrets keeps one entry for all tokens of such a type in a file.
    guard finding.source == .detectSecrets else { return here(tokens) }
    var found: [Value] = []
    for (index, line) in text.lines.enumerated() {
      for token in TextCandidates.tokens(in: line, prefixes: prefixes)
      where !found.contains(where: { $0.bytes == token }) {
        found.append(Value(bytes: token, line: index + 1))
      }
    }
    return found
  }

  /// The connection strings of a line that are no URIs (`host=… password=…`), one for each login that they hold.
  private static func connectionStrings(in line: [UInt8], _ kinds: [CredentialKind], _ table: KindTable)
    -> [[UInt8]]
  {
    var logins: Set<[UInt8]> = []
    return ([line] + TextCandidates.all(in: line)).filter { candidate in
      let reading = CredentialReading(
        of: Secret(SecretBytes(copying: candidate)), kinds: kinds, table: table)
      // Only one that says where it leads is told from any other text.
      guard CredentialReading.uriKinds.contains(reading.kind), reading.handle != nil,
        let secret = reading.secret
      else { return false }
      return logins.insert(secret.exposeAsBytes()).inserted
    }
  }

  /// Whether what a scanner left visible of a value stands at the same places: `AKI***********E01`.
  private static func fits(_ candidate: [UInt8], mask: String) -> Bool {
    let text = Array(String(decoding: candidate, as: UTF8.self))
    let mask = Array(mask)
    return text.count == mask.count && zip(text, mask).allSatisfy { $1 == "*" || $0 == $1 }
  }

  private static func fits(_ candidate: [UInt8], _ hashes: WeakHashes) -> Bool {
    if let sha1 = hashes.sha1, Hex.text(Insecure.SHA1.hash(data: candidate)) == sha1 { return true }
    if let sha256 = hashes.sha256, Hex.text(SHA256.hash(data: candidate)) == sha256 { return true }
    return false
  }

  /// The secret of an access key id: the only word of forty base64 characters within three lines.
  private static func keySecret(near text: SourceText) -> Secret? {
    func isKeyByte(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
      default: false
      }
    }
    var found: Set<[UInt8]> = []
    for line in text.lines[max(0, text.number - 4)..<min(text.lines.count, text.number + 3)] {
      for candidate in TextCandidates.all(in: line)
      where candidate.count == 40 && candidate.allSatisfy(isKeyByte) {
        found.insert(candidate)
      }
    }
    return found.count == 1 ? found.first.map { Secret(SecretBytes(copying: $0)) } : nil
  }

  // MARK: Telling the kind

  private static func refined(_ finding: Finding, _ secret: Secret?, _ text: SourceText, _ table: KindTable)
    -> Finding
  {
    var finding = finding
    let kinds = [finding.kind] + finding.alternatives
    if let secret,
      kinds.contains(where: CredentialReading.uriKinds.contains) || kinds.contains("generic_password")
    {
      let password = secret.exposeAsBytes()
      for uri in TextCandidates.uris(in: text.line) {
        let reading = CredentialReading(of: Secret(SecretBytes(copying: uri)), kinds: [], table: table)
        if reading.secret?.exposeAsBytes() == password { finding.apply(reading) }
      }
    }
    if finding.kind == "private_key", kinds.contains("gcp_service_account_key") {
      let whole = CredentialReading(of: Secret(SecretBytes(copying: text.contents)), kinds: [], table: table)
      if whole.kind == "gcp_service_account_key" { finding.apply(whole) }
    }
    finding.alternatives = []
    return finding
  }
}

extension [[UInt8]] {
  /// Itself when it has one element: of several nobody can tell which is meant.
  fileprivate var alone: [[UInt8]] { count == 1 ? self : [] }
}

extension Finding {
  fileprivate mutating func apply(_ reading: CredentialReading) {
    // A general word of the value never replaces the rule's own.
    if reading.kind != KindTable.unknownKind { kind = reading.kind }
    alternatives = reading.alternatives
    secret = reading.secret ?? secret
    handle = reading.handle ?? handle
  }
}

/// A file's text and the line that a report names.
private struct SourceText {
  let contents: [UInt8]
  let lines: [[UInt8]]
  /// From 1.
  let number: Int

  var line: [UInt8] {
    var line = lines[number - 1]
    if line.last == 0x0D { line.removeLast() }
    return line
  }

  /// A private key that begins on the line, to its last line; in JSON files it stands on one line with `\n` between.
  var privateKey: [UInt8]? {
    let line = line
    guard let begin = line.firstRange(of: Array("-----BEGIN ".utf8)) else { return nil }
    let mark = Array("-----END ".utf8)
    let rest = Array(line[begin.lowerBound...]) + lines[number...].prefix(400).flatMap { [0x0A] + $0 }
    guard let end = rest.firstRange(of: mark) else { return nil }
    let tail = rest[end.upperBound...].firstRange(of: Array("-----".utf8))?.upperBound ?? rest.endIndex
    return Array(rest[..<tail])
  }

  /// What stands on the line between the texts that a redacted match left.
  func value(of match: RedactedMatch) -> [UInt8]? {
    let line = line
    let before = Array(match.before.split(separator: "\n").last ?? "").flatMap { Array(String($0).utf8) }
    let after = Array((match.after.split(separator: "\n").first ?? "").utf8)
    guard !before.isEmpty || !after.isEmpty else { return nil }
    guard let start = before.isEmpty ? line.startIndex : line.firstRange(of: before)?.upperBound else {
      return nil
    }
    let rest = line[start...]
    let end = after.isEmpty ? rest.endIndex : rest.firstRange(of: after)?.lowerBound
    guard let end, end > start else { return nil }
    return Array(line[start..<end])
  }
}
