import ArgumentParser
import Capabilities
import Drills
import Foundation
import Response
import StaunchConfiguration
import Execution
import Inbox
import Incidents
import JSON
import Journal
import People
import Playbooks

/// A subcommand: gets its surroundings from the assembly, and turns every error into what / why / fix and an exit code.
protocol StaunchCommand: AsyncParsableCommand {
  var global: GlobalOptions { get }
  func run(in assembly: Assembly) async throws
}

extension StaunchCommand {
  mutating func run() async throws {
    let assembly = Assembly(options: global.chosen)
    do {
      try assembly.openDebugLog()
      try await run(in: assembly)
    } catch {
      throw assembly.exit(after: error)
    }
  }
}

extension Assembly {
  /// Says what went wrong and gives the exit code for it.
  func exit(after error: any Error) -> ExitCode {
    if let code = error as? ExitCode { return code }
    let failure = CommandFailure(after: error)
    DebugLog.note(.error, "command", "exit \(failure.status.rawValue): \(failure.what), \(failure.because)")
    console.endTransient()
    if options.json {
      console.data(failure.json.canonicalText)
    }
    console.fail(failure.message)
    return ExitCode(failure.status.rawValue)
  }
}

extension CommandFailure {
  /// What ended a command, in words for people.
  init(after error: any Error) {
    switch error {
    case let known as CommandFailure: self = known
    case let known as Refusal: self.init(known)
    case let known as CapabilityError: self.init(known)
    case let known as JournalError: self.init(known)
    case let known as InboxError: self.init(known)
    case let known as ConfigurationError: self.init(known)
    case let known as PlaybookError: self.init(known)
    case let known as PeopleError: self.init(known)
    case let known as ExecutionError: self.init(known)
    case let known as DrillError: self.init(known)
    case let known as ApprovalError:
      self.init(
        .declined, "the plan is not approved", because: known.because,
        fix: "staunch status names the plan and its digest")
    case is CancellationError:
      self.init(
        .interrupted, "interrupted", because: "the run was stopped at a safe point", fix: "staunch resume")
    default:
      self.init(
        .failed, "an unexpected error", because: plainReason(of: error),
        fix: "staunch status shows what state holds")
    }
  }
}
