import Capabilities
import Secrets

/// `command.run`: one program by its argument vector. There is no shell.
struct CommandRun: EffectAction {
  let signature = ActionSignature.commandRun
  let processes: any ProcessRunner
  /// What the journal keeps of a program's output.
  private static let limit = 64 << 10

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let arguments = try arguments(call)
    return PlannedEffect(
      will: "run \(arguments.joined(separator: " "))", target: arguments[0], reversible: false,
      cannotPredict: ["what the program does"])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let arguments = try arguments(call)
    var process = ProcessCall(
      arguments, environment: try call.texts("environment"),
      workingDirectory: call.optionalText("directory"))
    if call.known("stdin") != nil { process.standardInput = try await call.secret("stdin") }
    let outcome = try await processes.run(process, under: authority)
    guard outcome.status == 0 else {
      throw CapabilityError(
        .invalid, "run \(arguments[0])", because: "it ended with status \(outcome.status)",
        fix: "run it by hand to see why, then: staunch resume, or: staunch skip \(call.step) --reason 'why'")
    }
    return ActionResult(outputs: [
      "status": .integer(outcome.status), "output": .string(String(outcome.output.prefix(Self.limit))),
    ])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    .unknown(reason: "what an interrupted program did cannot be told from here")
  }

  private func arguments(_ call: ActionCall) throws(CapabilityError) -> [String] {
    let arguments = try call.textList("argv")
    guard let program = arguments.first, !program.isEmpty else { throw call.missing("argv", .list(.string)) }
    return arguments
  }
}
