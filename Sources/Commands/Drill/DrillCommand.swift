import ArgumentParser
import BuiltinContent
import Capabilities
import Drills
import Foundation
import JSON

/// `staunch drill`: practise.
struct DrillCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drill", abstract: "Practise a whole incident in a sandbox.",
    subcommands: [DrillRunCommand.self, DrillListCommand.self, DrillHistoryCommand.self])
}

/// `staunch drill list`.
struct DrillListCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Every scenario, a line each.")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let scenarios = try assembly.scenarios()
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1,
          "scenarios": .array(
            scenarios.map {
              ["id": .string($0.id), "title": .string($0.title), "complication": .string($0.complication)]
            }),
        ]).canonicalText)
      return
    }
    for scenario in scenarios { assembly.console.data("\(scenario.id)  \(scenario.title)") }
  }
}

/// `staunch drill run`: exit 0 when every objective was met, 1 otherwise.
struct DrillRunCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a scenario: real engine, sandbox world. Exit 0 when every objective was met.")

  @Argument(help: "The scenario's id, as list prints it.") var scenario: String
  @Flag(name: .long, help: "Ask nobody: plans and gates are approved by the script.") var auto = false
  @Option(name: .long, help: "Where everything of the drill goes; default: below the state directory.")
  var directory: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let scenarios = try assembly.scenarios()
    guard let found = scenarios.first(where: { $0.id == scenario }) else {
      throw CommandFailure(
        .invalidInput, "there is no scenario \"\(harmless(scenario))\"",
        because: "the built-in ones are: \(scenarios.map(\.id).joined(separator: ", "))",
        fix: "staunch drill list")
    }
    guard auto || assembly.console.style.isInteractive else {
      throw CommandFailure(
        .usage, "the drill asks for approvals", because: "nobody is there to ask", fix: "add --auto")
    }
    _ = try assembly.state()
    let place =
      directory.map { assembly.absolute($0) }
      ?? assembly.statePath + "/drills/\(found.id)-\(Assembly.randomName(8))"
    let report = try await DrillRun(assembly: assembly, scenario: found, isAuto: auto, directory: place).run()
    if global.json {
      assembly.console.data(report.scoreboard.json.canonicalText)
    } else {
      assembly.console.data("")
      assembly.console.data(report.scoreboard.text)
      for draft in report.postMortems { assembly.console.data("  post-mortem draft: \(draft)") }
      assembly.console.data("  everything lies in \(place)")
      assembly.console.data("  look around: STAUNCH_STATE=\(place)/state staunch status")
    }
    if !report.score.isPassed { throw ExitCode(ExitStatus.failed.rawValue) }
  }
}

/// `staunch drill history`: every score, the newest last.
struct DrillHistoryCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "The scores of earlier drills.", aliases: ["score"])

  @Argument(help: "Only this scenario.") var scenario: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let history = try DrillHistory(path: assembly.statePath + "/drills/scores.jsonl").read()
    if history.unread > 0 {
      assembly.console.say("\(history.unread) scores of another version of staunch cannot be read")
    }
    let scores = history.scores.filter { scenario == nil || $0.scenario == scenario }
    for (index, score) in scores.enumerated() {
      let board = Scoreboard(score, earlier: scores[..<index].filter { $0.digest == score.digest })
      assembly.console.data(global.json ? board.json.canonicalText : board.text)
    }
    if scores.isEmpty, history.unread == 0 {
      assembly.console.say("no drill yet. next: staunch drill run openai-and-postgres")
    }
  }
}

extension Assembly {
  /// The built-in scenarios, by id.
  func scenarios() throws -> [Scenario] {
    try BuiltinContent.scenarios.map { try ScenarioReader.read($0.text, file: $0.path) }.sorted {
      $0.id < $1.id
    }
  }
}
