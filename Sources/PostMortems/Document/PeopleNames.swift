import Foundation

/// Finds people in text: the names that the run's evidence knows, e-mail addresses and @handles. Addresses of machines, roles
/// and teams (``MachineAddresses``) name nobody.
///
/// Reports name roles. The draft replaces what this finds; the lint (BL05) points at it.
struct PeopleNames {
  /// What stands where a name was.
  static let role = "[contributor]"

  private let names: [String]

  /// - Parameter names: names, logins and addresses from the evidence; a full name also stands for its parts.
  init(_ names: some Sequence<String>) {
    var all: Set<String> = []
    for name in names {
      let trimmed = name.trimmingCharacters(in: .whitespacesAndNewlines)
      if trimmed.count >= 3 { all.insert(trimmed) }
      let parts = trimmed.split(separator: " ")
      guard parts.count > 1, !trimmed.contains("@") else { continue }
      for part in parts where part.count >= 3 && part.first?.isUppercase == true && !isWord(part) {
        all.insert(String(part))
      }
    }
    self.names = all.sorted { ($0.count, $1) > ($1.count, $0) }
  }

  /// Ranges of people in `text`, in order, without overlaps.
  func ranges(in text: String) -> [Range<String.Index>] {
    var found: [Range<String.Index>] = []
    for name in names {
      // A part of a name is written like the name; a full name or a login in any case.
      let options: String.CompareOptions = name.contains(" ") || name.contains("@") ? [.caseInsensitive] : []
      var from = text.startIndex
      while let range = text.range(of: name, options: options, range: from..<text.endIndex) {
        if stands(alone: range, in: text) { found.append(range) }
        from = range.upperBound
      }
    }
    let address = /[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+/
    // `git@host` is a login of a protocol, not a person.
    found += text.matches(of: address)
      .filter { match in
        let after = text[match.range.upperBound...]
        return !match.output.hasPrefix("git@")
          && !MachineAddresses.isMachine(address: match.output, after: after)
      }.map(\.range)
    let handle = /@[A-Za-z][A-Za-z0-9\-]{0,38}/
    found += text.matches(of: handle)
      .filter { match in
        let before = text[..<match.range.lowerBound]
        return stands(alone: match.range, in: text)
          && !MachineAddresses.isMachine(handle: match.output.dropFirst(), before: before)
      }.map(\.range)
    return withoutOverlaps(found)
  }

  /// `text` with a role in the place of every person.
  func replaced(in text: String) -> String {
    var result = text
    for range in ranges(in: text).reversed() { result.replaceSubrange(range, with: PeopleNames.role) }
    return result
  }

  private func stands(alone range: Range<String.Index>, in text: String) -> Bool {
    let before = range.lowerBound > text.startIndex ? text[text.index(before: range.lowerBound)] : " "
    let after = range.upperBound < text.endIndex ? text[range.upperBound] : " "
    let joins: (Character) -> Bool = { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "/" || $0 == "@" }
    return !joins(before) && !joins(after) && before != "."
  }

  private func withoutOverlaps(_ ranges: [Range<String.Index>]) -> [Range<String.Index>] {
    let longestFirst = ranges.sorted {
      $0.lowerBound != $1.lowerBound ? $0.lowerBound < $1.lowerBound : $0.upperBound > $1.upperBound
    }
    var result: [Range<String.Index>] = []
    for range in longestFirst where result.last.map({ $0.upperBound <= range.lowerBound }) ?? true {
      result.append(range)
    }
    return result
  }
}

/// Parts of names that are English words too: a report may begin a sentence with them.
private func isWord(_ part: Substring) -> Bool {
  [
    "April", "August", "Bill", "Chase", "Dawn", "Drew", "Faith", "Frank", "Grant", "Hope", "Jack", "Joy",
    "June", "Mark",
    "May", "Pat", "Rob", "Rose", "Sky", "The", "Will",
  ].contains(part)
}
