public import Capabilities
import Foundation

/// A program that reads its secret from a store when it starts: a command restarts it, a URL or a command tells its health.
public struct CommandConsumer: Consumer {
  public static let kind = "command"
  public static let summary = "A program restarted by a command, its health told by a URL or a command."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "to run the restart",
    survives: "programs that are no part of what it restarts")
  public static let settings =
    [
      SettingDeclaration("restart", required: true, "program and arguments, as a list; there is no shell"),
      SettingDeclaration("directory", "where it runs"),
    ] + HealthCheck.settings + [SettingDeclaration("timeout_seconds", "for the restart; 120 when absent")]

  private let name: String
  private let restart: [String]
  private let directory: String?
  private let check: HealthCheck?
  private let timeout: Duration
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    name = target.name
    restart = try target.texts("restart")
    directory = try target.optionalText("directory")
    timeout = .seconds(try target.integer("timeout_seconds", default: 120))
    guard let program = restart.first, !program.isEmpty else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "restart names no program",
        fix: "write restart: [systemctl, restart, \(target.name)]")
    }
    check = try HealthCheck(target, directory: directory)
  }

  /// Whether it works is asked by ``health()``.
  public func readiness() async -> [Readiness] {
    [
      Readiness(
        "restart",
        .unknown(
          because: "only a restart shows whether \(restart[0]) may do it: \(restart.joined(separator: " "))")
      )
    ]
  }

  public func plan() async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(
      will: "restart \(name): \(restart.joined(separator: " "))", target: name, reversible: true,
      affected: [name],
      cannotPredict: ["how long \(name) is away while it restarts"])
  }

  /// Runs the restart command. Repeating it restarts once more.
  public func rollOut(marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let outcome = try await environment.processes.run(
      ProcessCall(restart, workingDirectory: directory, timeout: timeout), under: authority)
    guard outcome.status == 0 else {
      // The runner has redacted what the program wrote; its last line says most.
      let last = outcome.errors.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
      throw CapabilityError(
        .serverError, "restart \(name)", because: "\(restart[0]) ended with status \(outcome.status)\(last)",
        fix: "run it by hand to see why: \(restart.joined(separator: " ")), then: staunch resume")
    }
  }

  public func health() async throws(CapabilityError) -> ConsumerHealth {
    guard let check else {
      return ConsumerHealth(.unknown, evidence: "no health check is configured for \(name)")
    }
    return try await check.health(in: environment)
  }
}
