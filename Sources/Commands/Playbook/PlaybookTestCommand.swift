import ArgumentParser
import Capabilities
import Foundation
import Incidents
import JSON
import PlaybookTools
import Playbooks

/// `staunch playbook test`: runs a playbook's control flow against declared outcomes. Touches nothing.
struct PlaybookTestCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run playbooks against declared outcomes. Exit 0, or 1 when a case comes out otherwise.",
    discussion: "A test file names its playbook and its cases; playbooks/tests/*.yaml are examples.")

  @Argument(help: "Test files; - for standard input.") var files: [String]
  @Flag(name: .long, help: "Fail also when a branch of the playbook is gone through by no case.")
  var everyBranch = false
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let library = try assembly.library(own: own.playbooks)
    var documents: [JSONValue] = []
    var failures = 0
    for file in files {
      let name = file == "-" ? "stdin" : file
      let (test, playbook) = try PlaybookTest.load(
        source: try PlaybookText.decode(try assembly.readInput(file), file: name), file: name,
        library: library,
        catalogue: ActionSignature.builtin)
      var seen: Set<Branch> = []
      var cases: [JSONValue] = []
      for testCase in test.cases {
        let run = try Rehearsal.run(playbook, testCase)
        seen.formUnion(run.branches)
        let differences = run.differences(from: testCase.expected)
        failures += differences.isEmpty ? 0 : 1
        cases.append([
          "name": .string(testCase.name), "passed": .boolean(differences.isEmpty),
          "differences": .array(differences.map(JSONValue.string)),
        ])
        if !global.json { show(testCase, differences, assembly.console) }
      }
      let missing = Branch.all(of: playbook).filter { !seen.contains($0) }.map(\.description)
      if everyBranch { failures += missing.count }
      documents.append([
        "file": .string(name), "playbook": .string(playbook.id.rawValue), "cases": .array(cases),
        "untested": .array(missing.map(JSONValue.string)),
      ])
      if !global.json {
        for branch in missing { assembly.console.data("untested  \(name): \(branch)") }
      }
    }
    if global.json {
      assembly.console.data(JSONValue.object(["schema": 1, "tests": .array(documents)]).canonicalText)
    }
    if failures > 0 { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private func show(_ testCase: PlaybookTest.Case, _ differences: [String], _ console: Console) {
    let name = harmless(testCase.name)
    if differences.isEmpty { console.data(console.toned("passed", .good) + "    \(name)") }
    for difference in differences {
      console.data(
        console.toned("failed", .bad) + "    \(testCase.position): \(name): \(harmless(difference))")
    }
  }
}
