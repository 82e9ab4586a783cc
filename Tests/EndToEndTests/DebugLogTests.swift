import Foundation
import TestSupport
import Testing

/// `--log-level` and `STAUNCH_LOG`. What the lines hold in a whole incident: `WholeChainTests`.
@Suite struct DebugLogTests {
  private let directory: TemporaryDirectory
  private let binary: StaunchBinary

  init() throws {
    directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
  }

  @Test(arguments: [["work", "--once"], ["playbook", "list"]])
  func `every command tells what it does when it is asked to, on standard error, and else nothing`(
    command: [String]
  ) async throws {
    let silent = try await binary.run(command)
    let flag = try await binary.run(command + ["--log-level", "debug"])
    let variable = try await binary.run(command, environment: ["STAUNCH_LOG": "debug"])
    #expect(silent.status == 0, "\(silent.errors)")
    #expect(!silent.errors.contains(" info "))
    for told in [flag, variable] {
      #expect(told.status == 0, "\(told.errors)")
      #expect(told.output == silent.output)
      #expect(told.errors.contains(" info command: staunch "), "\(told.errors)")
    }
    let less = try await binary.run(command + ["--log-level", "warning"])
    #expect(!less.errors.contains(" info "), "\(less.errors)")
  }

  @Test func `the files that were read are named, and why a command ended`() async throws {
    let outcome = try await binary.run(["respond", "nothing-here.json", "--log-level", "info"])
    #expect(outcome.status == 65, "\(outcome.errors)")
    #expect(outcome.errors.contains(" info file: reads \(directory.path)/"), "\(outcome.errors)")
    #expect(outcome.errors.contains(" error command: exit 65: "), "\(outcome.errors)")
  }

  @Test func `a word that is no level is an error, never silence`() async throws {
    let variable = try await binary.run(["status"], environment: ["STAUNCH_LOG": "loud"])
    #expect(variable.status == 64)
    #expect(variable.errors.contains("error, warning, info, debug, trace"), "\(variable.errors)")
    #expect(try await binary.run(["status", "--log-level", "loud"]).status == 64)
  }
}
