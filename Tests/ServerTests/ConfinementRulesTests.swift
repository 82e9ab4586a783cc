import Foundation
import TestSupport
import Testing

@testable import Server

/// docs/SECURITY-MODEL.md lists the walls of the endpoint, and docs/systemd the units: both are what is built and judged.
@Suite struct ConfinementRulesTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The words in back quotes of the table's row that begins with `title`.
  private func row(_ title: String) throws -> [String] {
    let text = try String(
      contentsOf: Self.root.appending(path: "docs/SECURITY-MODEL.md"), encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("| \(title) |") })
    return line.matches(of: /`([^`]+)`/).map { String($0.1) }
  }

  @Test func `the rules that the document lists are those that the endpoint gets`() throws {
    #expect(try row("Landlock: read and execute") == LandlockRules.programs)
    #expect(try row("Landlock: read") == LandlockRules.knowledge)
    #expect(try row("seccomp: refused") == SystemCallFilter.calls.map(\.name))
  }

  private static let units = ["staunch.service", "staunch-receiver.service"]
  private static let analyzer = "/usr/bin/systemd-analyze"

  /// Without systemd there is nobody to ask; .ci/packages test installs it.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: analyzer)), arguments: units)
  func `systemd takes each unit as it is and finds it well confined`(unit: String) async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path(unit)
    // The programs are not installed where the tests run: any will do.
    try String(contentsOf: Self.root.appending(path: "docs/systemd/\(unit)"), encoding: .utf8)
      .replacing(/ExecStart=\S+/, with: "ExecStart=/bin/true").write(
        toFile: path, atomically: true, encoding: .utf8)
    let verified = try await Program.run(
      ["sh", "-c", "systemd-analyze verify \"$1\" 2>&1; echo status $?", "sh", path], in: directory.path)
    #expect(verified == "status 0\n", "\(verified)")
    // The level in tenths: above it the command fails.
    let judged = try await Program.run(
      [
        "sh", "-c",
        "systemd-analyze security --offline=true --no-pager --threshold=20 \"$1\" 2>&1; echo status $?",
        "sh", path,
      ], in: directory.path)
    #expect(judged.hasSuffix("status 0\n"), "\(judged)")
  }
}
