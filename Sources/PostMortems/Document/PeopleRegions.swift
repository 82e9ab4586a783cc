import Crypto
import Foundation
import Secrets

/// A document as machine parts and marked regions that belong to people.
///
/// A region stands between two comments, each alone on its line:
/// `<!-- people:begin NAME [confirm] [draft=DIGEST] -->` and `<!-- people:end NAME -->`.
/// `draft` is the digest of what the machine had put there: as long as the text still has it, nobody has written
/// anything and the region may be refreshed. `confirm` marks a machine draft that people confirm.
struct PeopleRegions {
  struct Region {
    let name: String
    let needsConfirmation: Bool
    /// Digest of the machine's draft; nil when the marker does not tell.
    let draft: String?
    /// The lines between the markers, without blank lines at either end.
    let text: String

    var digest: String { PeopleRegions.digest(of: text) }
    /// True when a person changed it. A region that was emptied asks for the machine's draft again.
    var isWritten: Bool { !text.isEmpty && draft != digest }
  }

  private enum Piece {
    case machine(String)
    case region(Region)
  }

  private let pieces: [Piece]

  /// In the document's order.
  var regions: [Region] {
    pieces.compactMap { piece in
      switch piece {
      case .machine: nil
      case .region(let region): region
      }
    }
  }

  /// - Parameter source: what the text is, for errors.
  init(parsing text: String, of source: String) throws(PostMortemError) {
    var pieces: [Piece] = []
    var machine: [Substring] = []
    var open: (marker: Marker, line: Int, lines: [Substring])?
    var names: Set<String> = []
    func bad(_ line: Int, _ because: String) -> PostMortemError {
      PostMortemError(
        .badRegions, "the marked regions of \(source) were not read", because: "line \(line): \(because)",
        fix: "restore the line <!-- people:begin … --> or <!-- people:end … --> there, then draft again")
    }
    // To Swift "\r\n" is one character: an editor's line ends must not hide the markers.
    let lines = text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      guard let marker = Marker(line) else {
        if open == nil { machine.append(line) } else { open?.lines.append(line) }
        continue
      }
      switch (marker.isBegin, open) {
      case (true, nil):
        guard names.insert(marker.name).inserted else {
          throw bad(index + 1, "region \"\(marker.name)\" stands there a second time")
        }
        if !machine.isEmpty { pieces.append(.machine(machine.joined(separator: "\n"))) }
        machine = []
        open = (marker, index + 1, [])
      case (false, .some(let begun)) where begun.marker.name == marker.name:
        let text = begun.lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        pieces.append(
          .region(
            Region(
              name: marker.name, needsConfirmation: begun.marker.needsConfirmation, draft: begun.marker.draft,
              text: text)))
        open = nil
      case (true, .some(let begun)):
        throw bad(index + 1, "region \"\(marker.name)\" begins inside region \"\(begun.marker.name)\"")
      case (false, _):
        throw bad(index + 1, "region \"\(marker.name)\" ends where it did not begin")
      }
    }
    if let open { throw bad(open.line, "region \"\(open.marker.name)\" does not end") }
    if !machine.isEmpty { pieces.append(.machine(machine.joined(separator: "\n"))) }
    self.pieces = pieces
  }

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// This fresh document with what people wrote in `earlier`.
  ///
  /// Regions that the template no longer has are kept at the end. When the evidence changed under a confirmed text, the
  /// machine's new draft is quoted below it.
  func keeping(_ earlier: PeopleRegions?) -> PeopleRegions {
    let old = Dictionary(
      (earlier?.regions ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var result: [Piece] = []
    for piece in pieces {
      switch piece {
      case .machine: result.append(piece)
      case .region(let fresh):
        guard let kept = old[fresh.name], kept.isWritten, kept.text != fresh.text else {
          result.append(.region(fresh.withDraft(fresh.digest)))
          continue
        }
        // A marker without a digest was written by hand: what it was drafted from is unknown.
        result.append(
          .region(
            Region(
              name: fresh.name, needsConfirmation: fresh.needsConfirmation, draft: kept.draft ?? "none",
              text: kept.text)))
        if fresh.needsConfirmation, kept.draft != fresh.digest { result.append(.machine(fresh.quoted)) }
      }
    }
    let names = Set(regions.map(\.name))
    let orphans = (earlier?.regions ?? []).filter { !names.contains($0.name) && $0.isWritten }
    if !orphans.isEmpty { result.append(.machine("\n## Kept from an earlier template\n")) }
    for orphan in orphans { result.append(.region(orphan)) }
    return PeopleRegions(pieces: result)
  }

  /// The document, ending with one line break.
  var text: String {
    let parts = pieces.map { piece in
      switch piece {
      case .machine(let text): text
      case .region(let region): region.marked
      }
    }
    return parts.joined(separator: "\n").trimmingCharacters(in: .newlines) + "\n"
  }

  static func digest(of text: String) -> String {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return SHA256.hash(data: Array(trimmed.utf8)).prefix(6).map { Hex.byte($0) }.joined()
  }
}

extension PeopleRegions.Region {
  fileprivate func withDraft(_ digest: String) -> PeopleRegions.Region {
    PeopleRegions.Region(name: name, needsConfirmation: needsConfirmation, draft: digest, text: text)
  }

  fileprivate var marked: String {
    let confirm = needsConfirmation ? " confirm" : ""
    let draft = draft.map { " draft=\($0)" } ?? ""
    return "<!-- people:begin \(name)\(confirm)\(draft) -->\n\(text)\n<!-- people:end \(name) -->"
  }

  /// The machine's draft as a block quote, for a person to compare.
  fileprivate var quoted: String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? ">" : "> \($0)" }
    return "\n> **The evidence changed after this was written.** The machine's draft is now:\n>\n"
      + lines.joined(separator: "\n")
  }
}

/// One of the two comments around a region.
private struct Marker {
  let isBegin: Bool
  let name: String
  let needsConfirmation: Bool
  let draft: String?

  init?(_ line: Substring) {
    let trimmed = line.trimmingCharacters(in: .whitespaces)
    guard trimmed.hasPrefix("<!-- people:"), trimmed.hasSuffix("-->") else { return nil }
    let words = trimmed.dropFirst("<!-- people:".count).dropLast("-->".count).split(separator: " ")
    guard words.count >= 2, words[0] == "begin" || words[0] == "end" else { return nil }
    isBegin = words[0] == "begin"
    name = String(words[1])
    needsConfirmation = words.contains("confirm")
    draft = words.first { $0.hasPrefix("draft=") }.map { String($0.dropFirst("draft=".count)) }
  }
}
