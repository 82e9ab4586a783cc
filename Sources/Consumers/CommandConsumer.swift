public import Capabilities
import Foundation

/// A program that reads its secret from a store when it starts: a command restarts it, a URL or a command tells its health.
public struct CommandConsumer: Consumer {
  public static let kind = "command"
  public static let summary = "A program restarted by a command, its health told by a URL or a command."
  public static let settings = [
    SettingDeclaration("restart", required: true, "program and arguments, as a list; there is no shell"),
    SettingDeclaration("directory", "where it runs"),
    SettingDeclaration("health", "a URL that answers health_status when the program works"),
    SettingDeclaration("health_status", "200 when absent"),
    SettingDeclaration("health_command", "instead of a URL: program and arguments; status 0 means healthy"),
    SettingDeclaration("timeout_seconds", "for the restart; 120 when absent"),
  ]

  private enum HealthCheck: Sendable {
    case url(String, status: Int)
    case command([String])
    case none
  }

  private let name: String
  private let restart: [String]
  private let directory: String?
  private let check: HealthCheck
  private let timeout: Duration
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    name = target.name
    restart = try target.texts("restart")
    directory = try target.optionalText("directory")
    timeout = .seconds(try target.integer("timeout_seconds", default: 120))
    let command = try target.texts("health_command")
    let url = try target.optionalText("health")
    func wrong(_ because: String, _ fix: String) -> CapabilityError {
      CapabilityError(.configuration, "\(target.position): \(target.name)", because: because, fix: fix)
    }
    guard let program = restart.first, !program.isEmpty else {
      throw wrong("restart names no program", "write restart: [systemctl, restart, \(target.name)]")
    }
    guard url == nil || command.isEmpty else {
      throw wrong("health and health_command are both given", "keep one of them")
    }
    if let url {
      check = .url(url, status: try target.integer("health_status", default: 200))
    } else {
      check = command.isEmpty ? .none : .command(command)
    }
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
    switch check {
    case .none: return ConsumerHealth(.unknown, evidence: "no health check is configured for \(name)")
    case .url(let url, let expected):
      do throws(CapabilityError) {
        let status = try await environment.http.fetch(.get(url, timeout: .seconds(10))).status
        return ConsumerHealth(
          status == expected ? .healthy : .unhealthy, evidence: "\(url) answered \(status)")
      } catch {
        switch error.class {
        case .network: return ConsumerHealth(.unhealthy, evidence: "\(url): \(error.because)")
        case .timeout: return ConsumerHealth(.unknown, evidence: "\(url): \(error.because)")
        default: throw error
        }
      }
    case .command(let command):
      do throws(CapabilityError) {
        let outcome = try await environment.processes.inspect(
          ProcessCall(command, workingDirectory: directory, timeout: .seconds(30)),
          readOnlyBecause: "staunch.yaml declares it as the question whether the program works")
        return ConsumerHealth(
          outcome.status == 0 ? .healthy : .unhealthy,
          evidence: "\(command[0]) ended with status \(outcome.status)")
      } catch  where error.class == .timeout {
        return ConsumerHealth(.unknown, evidence: "\(command[0]): \(error.because)")
      }
    }
  }
}
