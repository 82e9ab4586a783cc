import ArgumentParser
import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import PlaybookTools
import Playbooks
import Response

/// `staunch playbook import`: a strict subset of CACAO 2.0 as a playbook of our own language.
struct PlaybookImport: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "A CACAO 2.0 playbook as one of staunch's, for a person to read. Exit 0 or 65.",
    discussion: """
      EXAMPLES
        staunch playbook import cacao.json                prints it
        staunch playbook import cacao.json --output playbooks/NAME.yaml

      Taken: manual and http-api commands, parallel steps, conditions with one comparison, external variables. What is outside of \\
      that is named by step and refused, passwords in the file above all. Signatures are not checked. Imported steps count as \\
      irreversible: the playbook begins with an approval.
      """)

  @Argument(help: "The file; - for standard input.") var file: String
  @Option(name: .long, help: "A file, or - for standard output.") var output: String = "-"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let bytes = try assembly.readInput(file)
    let name = file == "-" ? "stdin" : harmless(file)
    let yaml: String
    do {
      yaml = try CACAOImport.yaml(from: try JSONValue(parsing: bytes))
    } catch let error as CACAOError {
      throw CommandFailure(
        .invalidInput, "\(name) was not imported",
        because: error.problems.map { "\($0)" }.joined(separator: "\n           "),
        fix:
          "rewrite these steps in the file, or write the playbook by hand: staunch playbook show generic-secret"
      )
    } catch let error as JSONError {
      throw CommandFailure(
        .invalidInput, "\(name) was not imported", because: "\(error)", fix: "export it again as JSON")
    }
    // What is handed out is a playbook: the language's own loader says so.
    let playbook = try Playbook.load(
      source: yaml, file: "the imported playbook", catalogue: ActionSignature.builtin)
    if output == "-" {
      assembly.console.data(yaml.hasSuffix("\n") ? String(yaml.dropLast()) : yaml)
    } else {
      let path = assembly.absolute(output)
      guard !FileManager.default.fileExists(atPath: path) else {
        throw CommandFailure(
          .invalidInput, "\(harmless(output)) was left as it is", because: "there is such a file already",
          fix: "choose another name: --output playbooks/\(playbook.id).yaml")
      }
      do { try Data(yaml.utf8).write(to: URL(filePath: path), options: .withoutOverwriting) } catch {
        throw CommandFailure(
          .unavailable, "cannot write \(harmless(output))",
          because: "its directory is missing or not writable")
      }
      assembly.console.data(path)
    }
    for diagnostic in Linter.diagnostics(of: playbook) {
      assembly.console.say(harmlessLines("\(diagnostic)"))
    }
    assembly.console.say(
      "next: read it, keep it as playbooks/\(playbook.id).yaml, then: staunch playbook lint")
  }
}

/// `staunch playbook export`: a playbook as CACAO 2.0, for other tools to show.
struct PlaybookExport: StaunchCommand {
  enum Sharing: String, ExpressibleByArgument, CaseIterable, Sendable {
    case red, amberStrict = "amber+strict", amber, green, clear
    var marking: CACAOExport.Sharing {
      switch self {
      case .red: .red
      case .amberStrict: .amberStrict
      case .amber: .amber
      case .green: .green
      case .clear: .clear
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "A playbook as CACAO 2.0 JSON, with how far an incident's run is.",
    discussion: """
      EXAMPLES
        staunch playbook export rotate-leaked-credential
        staunch playbook export rotate-leaked-credential --incident INCIDENT --sharing green

      CACAO has no words for retries, loops, secrets, quorums and undo: each step becomes a manual command that says what staunch \\
      does; staunch's own fields stand under step_extensions.
      """)

  @Argument(help: "Its id, or a file.") var playbook: String
  @Option(name: .long, help: "An incident: the state of its last run's steps is written, too.") var incident:
    String?
  @Option(name: .long, help: "The Traffic Light Protocol's word: red, amber+strict, amber, green, clear.")
  var sharing = Sharing.amber
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let loaded = try assembly.playbook(named: playbook, in: try assembly.library(own: own.playbooks))
    var statuses: [StepID: StepRecord.State] = [:]
    if let incident {
      let id = try assembly.incident(named: incident)
      let steps = IncidentRecord(of: id, in: try assembly.journal().events(incident: id)).steps
      let last = steps.last?.run
      for step in steps where step.run == last {
        statuses[step.step] = statuses[step.step].map { worse($0, step.state) } ?? step.state
      }
    }
    let export = CACAOExport(
      loaded, created: Timestamp.text(assembly.now()), statuses: statuses, sharing: sharing.marking)
    assembly.console.data(export.json.canonicalText)
  }

  /// Of two items of one step, the state to look at.
  private func worse(_ one: StepRecord.State, _ other: StepRecord.State) -> StepRecord.State {
    let order: [StepRecord.State] = [
      .failed, .unknown, .waiting, .running, .pending, .undone, .skipped, .done,
    ]
    return order.first { $0 == one || $0 == other } ?? one
  }
}
