/// The vocabularies in which scanners and platforms name kinds of secrets: columns of `kinds.csv`.
public enum KindVocabulary: String, Sendable, CaseIterable {
  case github, gitlab, gitguardian, gitleaks, trufflehog
  case detectSecrets = "detect_secrets"
  case kingfisher = "kingfisher2"
  case kingfisher1
  case noseyParker = "noseyparker"
}

/// One row of the table of kinds.
public struct KindRow: Sendable, Hashable {
  public let kind: CredentialKind
  /// The `kind:` of the credential provider that can rotate it, a hint for routes; nil where there is none.
  public let provider: String?
  /// True for kinds that open production to whoever holds them: a response starts at once.
  public let isCritical: Bool
  /// How values of this kind begin.
  public let prefixes: [String]
  /// Each vocabulary's words for it.
  public let words: [KindVocabulary: [KindWord]]
}

/// A scanner's word for a kind.
public struct KindWord: Sendable, Hashable {
  /// Lower-case; `*` at the end stands for anything.
  public let text: String
  /// False for words that were not checked against the tool's own list (a trailing `?` in the file).
  public let isConfirmed: Bool

  func matches(_ word: String) -> Bool {
    text.hasSuffix("*") ? word.hasPrefix(text.dropLast()) : text == word
  }
}

/// All kinds of secrets that staunch knows, with every scanner's names for them: `kinds.csv`.
public struct KindTable: Sendable {
  /// In the order of the file.
  public let rows: [KindRow]
  private let byKind: [CredentialKind: KindRow]
  private let exact: [KindVocabulary: [String: [CredentialKind]]]
  private let patterns: [KindVocabulary: [(KindWord, CredentialKind)]]

  /// Kind of everything that no row names.
  public static let unknownKind: CredentialKind = "unknown"

  /// The table that comes with the program.
  public static let builtin: KindTable = {
    do {
      return try KindTable(csv: PackageResources.kinds_csv)
    } catch {
      preconditionFailure("kinds.csv of this build cannot be read: \(error)")
    }
  }()

  /// - Throws: ``CSVReader/Malformed`` naming the line.
  public init(csv bytes: [UInt8]) throws(CSVReader.Malformed) {
    var reader = CSVReader()
    var lines = try reader.feed(bytes[...])
    lines += try reader.finish()
    guard let head = lines.first else {
      throw CSVReader.Malformed(line: 1, because: "the table of kinds is empty")
    }
    var rows: [KindRow] = []
    for line in lines.dropFirst() {
      guard line.fields.count == head.fields.count else {
        throw CSVReader.Malformed(
          line: line.line, because: "\(line.fields.count) fields instead of \(head.fields.count)")
      }
      rows.append(KindRow(Dictionary(uniqueKeysWithValues: zip(head.fields, line.fields))))
    }
    self.init(rows: rows)
  }

  init(rows: [KindRow]) {
    self.rows = rows
    byKind = Dictionary(rows.map { ($0.kind, $0) }) { first, _ in first }
    var exact: [KindVocabulary: [String: [CredentialKind]]] = [:]
    var patterns: [KindVocabulary: [(KindWord, CredentialKind)]] = [:]
    for row in rows {
      for (vocabulary, words) in row.words {
        for word in words {
          if word.text.hasSuffix("*") {
            patterns[vocabulary, default: []].append((word, row.kind))
          } else {
            exact[vocabulary, default: [:]][word.text, default: []].append(row.kind)
          }
        }
      }
    }
    self.exact = exact
    self.patterns = patterns
  }

  /// The row of `kind`, or nil when it is not in the table.
  public func row(of kind: CredentialKind) -> KindRow? { byKind[kind] }

  /// The kinds that a word of staunch.yaml means: one kind, or a family, all kinds of one provider (`github`, `aws`).
  /// Empty: there is no such word.
  public func kinds(meant word: String) -> [CredentialKind] {
    if let row = row(of: CredentialKind(word)) { return [row.kind] }
    return rows.filter { row in
      guard let provider = row.provider else { return false }
      return provider == word || provider.prefix { $0 != "_" } == word
    }.map(\.kind)
  }

  /// Every word that ``kinds(meant:)`` knows: kinds, then families.
  public var words: [String] {
    let families = rows.compactMap(\.provider).flatMap { [$0, String($0.prefix { $0 != "_" })] }
    var seen: Set<String> = []
    return (rows.map(\.kind.rawValue) + families).filter { seen.insert($0).inserted }
  }

  /// Every kind that `word` may mean in `vocabularies`, best first; empty when none of them knows it.
  public func kinds(named word: String, in vocabularies: [KindVocabulary]) -> [CredentialKind] {
    let wanted = word.lowercased()
    var found: [CredentialKind] = []
    for vocabulary in vocabularies {
      found += exact[vocabulary]?[wanted] ?? []
    }
    if found.isEmpty {
      for vocabulary in vocabularies {
        found += (patterns[vocabulary] ?? []).filter { $0.0.matches(wanted) }.map(\.1)
      }
    }
    var seen: Set<CredentialKind> = []
    return found.filter { seen.insert($0).inserted }
  }

  /// The kind whose documented prefix `value` begins with; the longest prefix wins.
  public func kind(ofValueBeginning value: some Collection<UInt8>) -> CredentialKind? {
    var best: (length: Int, kind: CredentialKind)?
    for row in rows {
      for prefix in row.prefixes where prefix.utf8.count > best?.length ?? 0 {
        if value.starts(with: prefix.utf8) { best = (prefix.utf8.count, row.kind) }
      }
    }
    return best?.kind
  }
}

extension KindRow {
  fileprivate init(_ fields: [String: String]) {
    func list(_ column: String) -> [String] {
      (fields[column] ?? "").split(separator: " | ").map { $0.trimmingPrefix(" ") }.map(String.init)
    }
    kind = CredentialKind(fields["kind"] ?? "")
    provider = fields["provider"].flatMap { $0.isEmpty ? nil : $0 }
    isCritical = fields["is_critical"] == "yes"
    prefixes = list("prefixes")
    var words: [KindVocabulary: [KindWord]] = [:]
    for vocabulary in KindVocabulary.allCases {
      words[vocabulary] = list(vocabulary.rawValue).map { word in
        let isConfirmed = !word.hasSuffix("?")
        return KindWord(
          text: (isConfirmed ? word : String(word.dropLast())).lowercased(), isConfirmed: isConfirmed)
      }
    }
    self.words = words
  }
}

extension KindTable {
  /// A word that says what the secret opens beats one that does not.
  package static func mostSpecific(_ kinds: [CredentialKind]) -> CredentialKind {
    func rank(_ kind: CredentialKind) -> Int {
      switch kind {
      case KindTable.unknownKind: 0
      case "generic_api_key": 1
      case "generic_password": 2
      case "basic_auth_url", "bearer_header", "jwt", "private_key", "k8s_secret_manifest": 3
      default: 4
      }
    }
    return kinds.max { rank($0) < rank($1) } ?? KindTable.unknownKind
  }
}
