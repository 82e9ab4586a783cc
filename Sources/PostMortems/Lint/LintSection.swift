import Foundation

/// A heading with what stands below it, up to the next heading of its level or a higher one.
struct LintSection {
  /// Sections that rules treat in their own way, told by their titles so that a team's own template works too.
  enum Kind {
    case timeline, actions, lessons, external
  }

  let title: String
  let kind: Kind?
  /// The heading's line and all below it, from 0.
  let lines: Range<Int>

  static func all(in scalars: [Unicode.Scalar], lineStarts: [Int], isCode: (Int) -> Bool) -> [LintSection] {
    var headings: [(level: Int, title: String, line: Int)] = []
    for line in lineStarts.indices where !isCode(line) {
      let end = line + 1 < lineStarts.count ? lineStarts[line + 1] - 1 : scalars.count
      let content = scalars[lineStarts[line]..<end]
      let level = content.prefix { $0 == "#" }.count
      guard (1...6).contains(level), content.dropFirst(level).first == " " else { continue }
      var title = String.UnicodeScalarView()
      title.append(contentsOf: content.dropFirst(level))
      headings.append((level, String(title).trimmingCharacters(in: .whitespaces), line))
    }
    return headings.enumerated().map { index, heading in
      let end = headings[(index + 1)...].first { $0.level <= heading.level }?.line ?? lineStarts.count
      return LintSection(title: heading.title, kind: kind(of: heading.title), lines: heading.line..<end)
    }
  }

  private static func kind(of title: String) -> Kind? {
    let lower = title.lowercased()
    if lower.contains("timeline") { return .timeline }
    if lower.contains("action item") || lower.hasSuffix("actions") { return .actions }
    if lower.contains("external message") { return .external }
    let isLesson = lower.contains("went well") || lower.contains("lucky")
    return isLesson ? .lessons : nil
  }
}
