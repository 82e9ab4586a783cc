extension SecretForms {
  /// A secret that stands in a text. No value.
  public struct Occurrence: Sendable, Hashable {
    /// Index in the list that was asked for.
    public let secret: Int
    public let form: SecretForm
    /// First byte and number of bytes, gaps included.
    public let offset: Int
    public let length: Int

    fileprivate func overlaps(_ range: Range<Int>) -> Bool {
      offset < range.upperBound && range.lowerBound < offset + length
    }
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
  private var search = FormSearch()
  private let whole: [Int: [UInt8]]
  private static let forms = SecretForm.allCases

  public init(_ secrets: [Secret]) {
    var short: [Int: [UInt8]] = [:]
    for (number, secret) in secrets.enumerated() {
      let raw = secret.exposeAsBytes()
      if raw.count < FormIndex.shortest { short[number] = raw }
      search.add(SecretForms.entries(of: raw)) { entry in
        number * SecretSearch.forms.count + (SecretSearch.forms.firstIndex(of: entry.form) ?? 0)
      }
    }
    whole = short
  }

  /// By position.
  public func occurrences(in text: [UInt8]) -> [SecretForms.Occurrence] {
    var found: [SecretForms.Occurrence] = []
    for hit in search.hits(in: text)
    where hit.isDirect || !found.contains(where: { $0.overlaps(hit.range) }) { found.append(occurrence(hit)) }
    for (number, raw) in whole where !raw.isEmpty && raw == text {
      found.append(.init(secret: number, form: .raw, offset: 0, length: raw.count))
    }
    return found.sorted { $0.offset < $1.offset }
  }

  private func occurrence(_ hit: FormSearch.Hit) -> SecretForms.Occurrence {
    let (number, index) = hit.tag.quotientAndRemainder(dividingBy: SecretSearch.forms.count)
    let form =
      hit.isDirect ? SecretSearch.forms[index] : hit.layers.isEmpty ? .split : SecretForm(undoing: hit.layers)
    return SecretForms.Occurrence(
      secret: number, form: form, offset: hit.range.lowerBound, length: hit.range.count)
  }
}
