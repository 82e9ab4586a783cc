import ArgumentParser
import BuiltinContent
import Foundation
import Incidents
import JSON
import Journal
import PostMortems
import Response

/// `staunch update`: text to paste for people who are not at the terminal.
struct UpdateCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Text to paste: internal (conditions, actions, needs) or executive.")

  @Option(name: .long, help: "internal or executive.") var audience = "internal"
  @Option(name: .long, help: "Which incident; default: the most urgent open one.") var incident: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    guard let audience = StatusReport.Audience(rawValue: audience) else {
      throw CommandFailure(
        .usage, "there is no audience \"\(harmless(audience))\"", because: "known are: internal, executive",
        fix: "--audience internal")
    }
    let id = try assembly.incident(named: incident)
    assembly.console.data(
      try StatusReport.update(
        events: try assembly.events(of: id), incident: id, now: assembly.now(), nextUpdate: nil,
        template: try assembly.builtinTemplate(audience.templateName)))
  }
}

/// `staunch handover`: what the next responder needs.
struct HandoverCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "handover", abstract: "State, open tasks, timers, decisions, risks for the next responder.")

  @Option(name: .long, help: "Which incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "The role that takes over: journalled as acknowledged.") var acknowledge: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let id = try assembly.incident(named: incident)
    if let acknowledge { try assembly.journal().admit([("--acknowledge", acknowledge)], about: id) }
    assembly.console.data(
      try StatusReport.handover(
        events: try assembly.events(of: id), incident: id, now: assembly.now(), nextUpdate: nil,
        template: try assembly.builtinTemplate("handover.md.mustache")))
    if let acknowledge {
      try PersonsWords(assembly.journal()).decide(
        "hand-over", because: "the new owner has read the hand-over", role: RoleName(acknowledge), about: id)
      assembly.console.say("acknowledged by \(harmless(acknowledge))")
    }
  }
}

extension Assembly {
  /// The events of an incident; empty when nothing has run here.
  func events(of incident: IncidentID) throws -> [JournalEvent] {
    try journalForReading()?.events(incident: incident) ?? []
  }

  /// A template of this build.
  func builtinTemplate(_ name: String) throws -> String {
    guard let file = BuiltinContent.template("templates/" + name) else {
      throw CommandFailure(
        .failed, "cannot find the template \(name)", because: "this build does not hold it")
    }
    return file.text
  }
}
