import Cryptography
import Foundation
import Secrets

/// A document as machine parts and marked regions that belong to people.
///
/// A region stands between two comments, each alone on its line:
/// `<!-- people:begin NAME [confirm] [draft=DIGEST] -->` and `<!-- people:end NAME -->`.
/// `draft` is the digest of what the machine had put there: as long as the text still has it, nobody has written
/// anything and the region may be refreshed. `confirm` marks a machine draft that people confirm.
///
/// The last line tells the machine's lines apart (``MachineLines``): what people wrote outside of the regions is found again
/// and kept in a region of its own at the end.
struct PeopleRegions {
  /// The region of text that stood outside of all.
  static let kept = "kept"
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

    /// The lines of a machine's part; none for a region.
    var machineLines: [Substring] {
      switch self {
      case .machine(let text): text.split(separator: "\n", omittingEmptySubsequences: false)
      case .region: []
      }
    }
  }

  private let pieces: [Piece]
  /// Nil when the document does not tell.
  private let machineLines: MachineLines?

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
        fix:
          "restore the line of people:begin or people:end there, as the other regions have it, then draft again"
      )
    }
    // To Swift "\r\n" is one character: an editor's line ends must not hide the markers.
    let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
      .split(separator: "\n", omittingEmptySubsequences: false)
    var machineLines: MachineLines?
    for (index, line) in lines.enumerated() {
      if open == nil, let lines = MachineLines(line) {
        machineLines = lines
        continue
      }
      guard let marker = Marker(line) else {
        guard !Marker.isAltered(line) else {
          throw bad(index + 1, "the marker of a region was altered and cannot be read")
        }
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
        let text = PeopleRegions.withoutBlankEnds(begun.lines)
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
    self.machineLines = machineLines
  }

  private init(pieces: [Piece]) {
    self.pieces = pieces
    machineLines = nil
  }

  /// True when it was drafted by staunch: it has a region, or tells its machine's lines.
  var isDraft: Bool { machineLines != nil || !regions.isEmpty }

  /// True when somebody wrote or changed anything in it; `fresh` is what the machine would write now.
  func isTouched(besides fresh: PeopleRegions) -> Bool {
    regions.contains(where: \.isWritten) || !strays(besides: fresh).isEmpty
  }

  /// What stands outside of the regions and is not the machine's: blocks of lines, each with the heading above it.
  func strays(besides fresh: PeopleRegions) -> [(heading: String?, text: String)] {
    let known = MachineLines(of: fresh.pieces.flatMap(\.machineLines))
    var blocks: [(heading: String?, text: String)] = []
    var block: [Substring] = []
    var heading: String?
    func close() {
      let text = PeopleRegions.withoutBlankEnds(block)
      if !text.isEmpty { blocks.append((heading, text)) }
      block = []
    }
    for piece in pieces {
      for line in piece.machineLines {
        if line.allSatisfy(\.isWhitespace) {
          if !block.isEmpty { block.append("") }
        } else if machineLines?.contains(line) == true || known.contains(line) {
          close()
          if line.hasPrefix("#") { heading = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces) }
        } else {
          block.append(line)
        }
      }
      close()
    }
    return blocks
  }

  /// Lines without the blank ones at either end; indentation stays.
  private static func withoutBlankEnds(_ lines: [Substring]) -> String {
    func isBlank(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }
    guard let first = lines.firstIndex(where: { !isBlank($0) }),
      let last = lines.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return lines[first...last].joined(separator: "\n")
  }

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
    let moved = orphans.filter { $0.name != Self.kept }
    if !moved.isEmpty { result.append(.machine("\n## Kept from an earlier template\n")) }
    for orphan in moved { result.append(.region(orphan)) }
    let strays = (earlier?.strays(besides: self) ?? []).map { heading, text in
      heading.map { "_Stood below \"\($0)\":_\n\n\(text)" } ?? text
    }
    let kept = orphans.filter { $0.name == Self.kept }.map(\.text) + strays
    if !kept.isEmpty {
      result.append(.machine("\n## Kept: it stood outside of the marked regions\n"))
      result.append(
        .region(
          Region(
            name: Self.kept, needsConfirmation: false, draft: "none", text: kept.joined(separator: "\n\n"))))
    }
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
    let mark = MachineLines(of: pieces.flatMap(\.machineLines)).mark
    return parts.joined(separator: "\n").trimmingCharacters(in: .newlines) + "\n\n\(mark)\n"
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

  /// Spaces and the letters' case may differ: formatters of Markdown change them.
  init?(_ line: Substring) {
    let pattern = /(?i)\s*<!-{2,}\s*people:\s*(begin|end)\s+([^\s>]+?)((?:\s+[^\s>]+?)*)\s*-{2,}>\s*/
    guard let match = line.wholeMatch(of: pattern) else { return nil }
    let words = match.output.3.split(whereSeparator: \.isWhitespace)
    isBegin = match.output.1.lowercased() == "begin"
    name = String(match.output.2)
    needsConfirmation = words.contains("confirm")
    draft = words.first { $0.hasPrefix("draft=") }.map { String($0.dropFirst("draft=".count)) }
  }

  /// True for what was a marker before somebody, or a word processor, changed it.
  static func isAltered(_ line: Substring) -> Bool {
    line.prefixMatch(of: /(?i)\s*(?:<|&lt;|\\<)\s*[!\\\-–—\s]*people\s*:\s*(?:begin|end)\b/) != nil
  }
}
