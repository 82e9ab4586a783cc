import Foundation
import TestSupport
import Testing

/// Decisions on the command line that a policy gives to others.
@Suite struct DecidingRolesTests {
  @Test(arguments: [
    ["work", "--release-storm", "I looked"], ["work", "--release-storm", "x", "--role", "onlooker"],
  ])
  func `a storm is not released by somebody without a deciding role`(_ words: [String]) async throws {
    let directory = try TemporaryDirectory()
    try "staunch: 1\npolicy: {approvals: {roles: [duty-officer]}}\n".write(
      toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let outcome = try await binary.run(words)
    #expect(outcome.status == 77, "\(outcome.errors)")
    #expect(outcome.errors.contains("the storm is still held"))
  }
}
