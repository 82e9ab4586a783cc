public import ArgumentParser
import Cryptography
import Foundation
import LocalSystem

/// The root command. A bare `staunch` answers "where am I, what now".
public struct Staunch: AsyncParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "staunch",
    abstract: "Contain a leaked secret, prove that it is dead, clean the history, write it up.",
    discussion: """
      EXAMPLES
        staunch init                              write a commented staunch.yaml
        gitleaks git -r - | staunch respond -     a scanner's report → incident → plan
        staunch run PLAN --live                   execute the plan; resumes what a crash left
        staunch                                   where am I, what now
        staunch drill run openai-and-postgres     the whole thing in a sandbox
      """,
    version: toolVersion,
    subcommands: [
      RespondCommand.self, PlanCommand.self, RunCommand.self, ResumeCommand.self, AbortCommand.self,
      SkipCommand.self, RetryCommand.self, DoneCommand.self, ApproveCommand.self, StatusCommand.self,
      NextCommand.self,
      IncidentsCommand.self, ShowCommand.self, NoteCommand.self, CloseCommand.self,
      KindsCommand.self, TodoCommand.self, HistoryCommand.self, DrillCommand.self, InitCommand.self,
      DoctorCommand.self,
      ReferenceCommand.self, UpdateCommand.self, HandoverCommand.self, JournalCommand.self,
      PostMortemCommand.self, TicketCommand.self,
      CredentialCommand.self, StoreCommand.self, PlaybookCommand.self, ServeCommand.self, WorkCommand.self,
      DeliveriesCommand.self, PeopleCommand.self,
    ],
    defaultSubcommand: StatusCommand.self)

  public init() {}

  /// Parses the process's arguments and runs the command; does not return.
  public static func start() async {
    ProcessProtection.apply()
    if let complaint = Libcrypto.complaint() {
      let failure = CommandFailure(
        .unavailable, "staunch does not start", because: complaint.because, fix: complaint.fix)
      FileHandle.standardError.write(Data((failure.message + "\n").utf8))
      exit(withError: ExitCode(failure.status.rawValue))
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard !arguments.isEmpty, arguments != ["status"] else { return StatusCommand.answer() }
    let commands = configuration.subcommands.compactMap { $0.configuration.commandName }
    if let message = UnknownCommand.message(for: arguments, among: commands) {
      FileHandle.standardError.write(Data((message + "\n").utf8))
      exit(withError: ExitCode(ExitStatus.usage.rawValue))
    }
    if let complaint = HistoryArguments.complaint(about: arguments) {
      FileHandle.standardError.write(Data((complaint + "\n").utf8))
      exit(withError: ExitCode(ExitStatus.usage.rawValue))
    }
    await main()
  }
}

/// The tool's version, as in `--version`, journals and reports.
let toolVersion = "0.1.0"
