import Foundation
import Testing

/// What a message tells people to run works when it is pasted: no word stands in it for another, and nothing is left out.
@Suite struct PrintedCommandTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Words that stand for something else in a usage text.
  private static var placeholder: Regex<Substring> {
    /[ =](?:ID|INCIDENT|NAME|FILE|DIR|DIRECTORY|ADDRESS|PLAN|RUN|DIGEST|TEXT|REASON|REF|ROLE|STEP|GATE|KEY|VALUE|CREDENTIAL|HOST|CLONE|REPORT|PART|COMMIT|REMOTE|REPOSITORY)(?:[^A-Za-z0-9_]|$)/
  }
  private static var command: Regex<Substring> { /(?:^|[^A-Za-z0-9_-])(?:staunch|git) [a-z-]/ }

  /// Lines of code with a text, without comments and without what `--help` shows.
  private static func lines(_ text: String) -> [(number: Int, line: Substring)] {
    var isInBlock = false
    var found: [(number: Int, line: Substring)] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let wasInBlock = isInBlock
      if line.contains("\"\"\"") { isInBlock.toggle() }
      let start = line.drop { $0 == " " }
      let isUsage = ["help:", "abstract:", "discussion:", "valueName:", "SettingDeclaration("].contains {
        line.contains($0)
      }
      if wasInBlock || isInBlock || isUsage || start.hasPrefix("//") || !line.contains("\"") { continue }
      found.append((number + 1, line))
    }
    return found
  }

  private static func sources() throws -> [(path: String, text: String)] {
    let sources = root.appending(path: "Sources")
    let walker = try #require(FileManager.default.enumerator(atPath: sources.path))
    var found: [(path: String, text: String)] = []
    while let name = walker.nextObject() as? String {
      guard name.hasSuffix(".swift") else { continue }
      found.append((name, try String(contentsOf: sources.appending(path: name), encoding: .utf8)))
    }
    return found
  }

  @Test func `no printed command leaves out a word or has one that stands for another`() throws {
    let sources = try Self.sources()
    #expect(sources.count > 400)
    let (command, placeholder) = (Self.command, Self.placeholder)
    for (path, text) in sources {
      for (number, line) in Self.lines(text) {
        let isCommand = (line.contains("staunch ") || line.contains("git ")) && line.contains(command)
        let isAdvice = isCommand || line.contains("fix: \"") || line.contains("next: ")
        if isAdvice, line.contains("…") || line.contains("...\"") {
          Issue.record("\(path):\(number) leaves something out: \(line)")
        }
        if isCommand, line.contains(placeholder) {
          Issue.record("\(path):\(number) has a word that stands for another: \(line)")
        }
      }
    }
  }
}
