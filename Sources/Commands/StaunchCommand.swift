import ArgumentParser
import Capabilities
import Foundation
import StaunchConfiguration
import Execution
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
    let assembly = Assembly(options: global)
    do {
      try await run(in: assembly)
    } catch {
      throw assembly.exit(after: error)
    }
  }
}

extension Assembly {
  /// Says what went wrong and gives the exit code for it.
  func exit(after error: any Error) -> ExitCode {
    let failure: CommandFailure
    switch error {
    case let code as ExitCode: return code
    case let known as CommandFailure: failure = known
    case let known as CapabilityError: failure = CommandFailure(known)
    case let known as JournalError: failure = CommandFailure(known)
    case let known as ConfigurationError: failure = CommandFailure(known)
    case let known as PlaybookError: failure = CommandFailure(known)
    case let known as PeopleError: failure = CommandFailure(known)
    case let known as ExecutionError: failure = CommandFailure(known)
    case let known as ApprovalError:
      failure = CommandFailure(
        .declined, "the plan is not approved", because: known.because, fix: "staunch approve DIGEST")
    case is CancellationError:
      failure = CommandFailure(
        .interrupted, "interrupted", because: "the run was stopped at a safe point", fix: "staunch resume")
    default:
      failure = CommandFailure(
        .failed, "an unexpected error", because: "\(error)", fix: "staunch status shows what state holds")
    }
    console.endTransient()
    if options.json {
      console.data(failure.json.canonicalText)
    }
    console.fail(failure.message)
    return ExitCode(failure.status.rawValue)
  }
}
