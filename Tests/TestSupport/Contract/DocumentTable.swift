import Foundation
import Synchronization

/// A table of a document whose rows are held by tests: each is compared with the file, or written into it with
/// `RECORD_GOLDEN=1`.
struct DocumentTable: Sendable {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  /// One writer at a time, whichever table.
  private static let writing = Mutex(())

  /// `docs/CONTRACT.md`
  let path: String
  /// The heading that it stands under; nil: it is the first table.
  let section: String?
  /// `kind`, …
  let columns: [String]

  private var file: URL { Self.root.appending(path: path) }
  private var head: String { "| " + columns.joined(separator: " | ") + " |" }

  /// `| a | b |`, with what would end a cell taken out of its meaning.
  static func row(_ cells: [String]) -> String {
    let texts = cells.map { $0.replacing("|", with: #"\|"#).split(whereSeparator: \.isNewline) }
    return "| " + texts.map { $0.joined(separator: " ") }.joined(separator: " | ") + " |"
  }

  /// - Throws: ``ContractViolation`` when the file's row of the same first cell is another one.
  func check(_ row: String) throws {
    let name = row.split(separator: "|").first.map(String.init) ?? ""
    try Self.writing.withLock { _ in
      var lines = try self.lines()
      let top = try self.top(of: lines)
      let own = top + 2..<end(of: lines, from: top)
      let index = own.first { lines[$0].hasPrefix("|\(name)|") }
      if lines[top] == head, index.map({ lines[$0] }) == row { return }
      guard ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" else {
        throw ContractViolation(
          "\(path) is stale for\(name): run the tests with RECORD_GOLDEN=1 and read the difference")
      }
      var rows = own.map { lines[$0] }.filter { !$0.hasPrefix("|\(name)|") } + [row]
      rows.sort()
      let rule = "|" + String(repeating: " --- |", count: columns.count)
      lines.replaceSubrange(top..<own.upperBound, with: [head, rule] + rows)
      try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    }
  }

  /// What stands between the marks of the rows' first cells.
  func names() throws -> Set<String> {
    let lines = try self.lines()
    let top = try self.top(of: lines)
    return Set(
      lines[top..<end(of: lines, from: top)].compactMap { line in
        line.hasPrefix("| `") ? line.split(separator: "`").dropFirst().first.map(String.init) : nil
      })
  }

  private func lines() throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
  }

  private func top(of lines: [String]) throws -> Int {
    let start = section.map { section in lines.firstIndex(of: section) } ?? lines.startIndex
    guard let start, let top = lines[start...].firstIndex(where: { $0.hasPrefix("| kind |") }) else {
      throw ContractViolation("\(path) has no table" + (section.map { " under \"\($0)\"" } ?? ""))
    }
    return top
  }

  private func end(of lines: [String], from top: Int) -> Int {
    lines[top...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
  }
}
