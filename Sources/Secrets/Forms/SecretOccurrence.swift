extension SecretForms {
  /// A secret that stands in a text. No value.
  public struct Occurrence: Sendable, Hashable {
    /// Index in the list that was asked for.
    public let secret: Int
    public let form: SecretForm
    /// First byte and number of bytes, gaps included.
    public let offset: Int
    public let length: Int
  }

  /// Where one of `secrets` stands in `text`, in any form, by position: for whatever a person or a program hands in.
  ///
  /// Values of fewer than four bytes cannot be told from text: they are found only where they are the whole text.
  public static func occurrences(of secrets: [Secret], in text: [UInt8]) -> [Occurrence] {
    SecretSearch(secrets).occurrences(in: text)
  }
}

/// Secrets ready to be looked for in many texts.
public struct SecretSearch: Sendable {
  private var index = FormIndex()
  private let whole: [Int: [UInt8]]
  private static let forms = SecretForm.allCases

  public init(_ secrets: [Secret]) {
    var short: [Int: [UInt8]] = [:]
    for (number, secret) in secrets.enumerated() {
      let raw = secret.exposeAsBytes()
      if raw.count < FormIndex.shortest { short[number] = raw }
      for entry in SecretForms.entries(of: raw) {
        let form = SecretSearch.forms.firstIndex(of: entry.form) ?? 0
        index.add(entry.bytes, tag: number * SecretSearch.forms.count + form)
      }
    }
    whole = short
  }

  /// By position.
  public func occurrences(in text: [UInt8]) -> [SecretForms.Occurrence] {
    var found = index.hits(in: text).map { occurrence($0, $0.range, isSplit: false) }
    if let joined = JoinedText(text) {
      for hit in index.hits(in: joined.bytes) {
        let range = joined.original(hit.range)
        guard
          !found.contains(where: { $0.offset < range.upperBound && range.lowerBound < $0.offset + $0.length })
        else { continue }
        found.append(occurrence(hit, range, isSplit: true))
      }
    }
    for (number, raw) in whole where !raw.isEmpty && raw == text {
      found.append(.init(secret: number, form: .raw, offset: 0, length: raw.count))
    }
    return found.sorted { $0.offset < $1.offset }
  }

  private func occurrence(_ hit: FormIndex.Hit, _ range: Range<Int>, isSplit: Bool) -> SecretForms.Occurrence
  {
    let (number, form) = hit.tag.quotientAndRemainder(dividingBy: SecretSearch.forms.count)
    return SecretForms.Occurrence(
      secret: number, form: isSplit ? .split : SecretSearch.forms[form], offset: range.lowerBound,
      length: range.count)
  }
}
