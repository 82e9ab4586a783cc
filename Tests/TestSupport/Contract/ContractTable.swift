public import Capabilities
import Foundation
import Synchronization

/// docs/CONTRACT.md: which provider is checked for what, and against what. Each provider's own tests hold its row.
public enum ContractTable {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static var file: URL { root.appending(path: "docs/CONTRACT.md") }
  private static let writing = Mutex(())

  /// `| postgres | a real server | generated | yes | – | …`
  public static func row(_ fixture: any ContractFixture.Type) async throws -> String {
    var cells: [String] = []
    var kind = ""
    var facts = ""
    for check in ContractCheck.all {
      // A world of its own for each: asking whether it applies may arrange it.
      let it = try await fixture.make()
      kind = Swift.type(of: it.provider).kind
      let able = it.provider.capabilities
      facts = "\(able.issuing.rawValue) | \(able.authority.rawValue) | \(able.disable.rawValue)"
      cells.append(try await check.exempt(it) == nil ? "✓" : "–")
    }
    return "| `\(kind)` | \(fixture.against) | \(facts) | " + cells.joined(separator: " | ") + " |"
  }

  public static var head: String {
    let names = ContractCheck.all.map(\.name)
    return "| kind | tested against | issuing | authority | disable | " + names.joined(separator: " | ")
      + " |"
  }

  /// - Throws: ``ContractViolation`` when the file's row is another one; with `RECORD_GOLDEN=1` it is written instead.
  public static func check(_ fixture: any ContractFixture.Type) async throws {
    let row = try await row(fixture)
    let name = row.split(separator: "|").first.map(String.init) ?? ""
    try writing.withLock { _ in
      var lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
      guard let top = lines.firstIndex(where: { $0.hasPrefix("| kind |") }) else {
        throw ContractViolation("docs/CONTRACT.md has no table")
      }
      let index = lines.firstIndex { $0.hasPrefix("|\(name)|") }
      if lines[top] == head, index.map({ lines[$0] }) == row { return }
      guard ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" else {
        throw ContractViolation(
          "docs/CONTRACT.md is stale for\(name): run the tests with RECORD_GOLDEN=1 and read the difference")
      }
      lines[top] = head
      lines[top + 1] = "|" + String(repeating: " --- |", count: 5 + ContractCheck.all.count)
      if let index { lines.remove(at: index) }
      var end = top + 2
      while end < lines.count, lines[end].hasPrefix("|") { end += 1 }
      lines.insert(row, at: end)
      lines.replaceSubrange(top + 2...end, with: lines[top + 2...end].sorted())
      try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
    }
  }

  /// The kinds that have a row.
  public static func kinds() throws -> Set<String> {
    let text = try String(contentsOf: file, encoding: .utf8)
    return Set(
      text.components(separatedBy: "\n").compactMap { line in
        line.hasPrefix("| `") ? line.split(separator: "`").dropFirst().first.map(String.init) : nil
      })
  }
}
