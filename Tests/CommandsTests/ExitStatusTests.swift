import Foundation
import Testing

@testable import Commands
@testable import Response
@testable import Worker

@Suite struct ExitStatusTests {
  private static let document = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/EXIT-CODES.md")

  @Test func `docs/EXIT-CODES.md lists every code and no other`() throws {
    let text = try String(contentsOf: Self.document, encoding: .utf8)
    let documented = text.matches(of: /(?m)^\| (\d+) \|/).compactMap { Int32($0.1) }
    #expect(documented == ExitStatus.allCases.map(\.rawValue))
  }
}
