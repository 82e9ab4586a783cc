import Capabilities

/// What tells whether a program works: a URL that answers with a status, or a command that ends with 0.
enum HealthCheck: Sendable {
  case url(String, status: Int)
  case command([String], directory: String?)

  static let settings = [
    SettingDeclaration("health", "a URL that answers health_status when the program works"),
    SettingDeclaration("health_status", "200 when absent"),
    SettingDeclaration("health_command", "instead of a URL: program and arguments; status 0 means healthy"),
  ]

  /// Nil: none is configured.
  init?(_ target: TargetConfiguration, directory: String? = nil) throws(CapabilityError) {
    let command = try target.texts("health_command")
    let url = try target.optionalText("health")
    guard url == nil || command.isEmpty else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)",
        because: "health and health_command are both given",
        fix: "keep one of them")
    }
    if let url {
      self = .url(url, status: try target.integer("health_status", default: 200))
    } else if !command.isEmpty {
      self = .command(command, directory: directory)
    } else {
      return nil
    }
  }

  func health(in environment: AdapterEnvironment) async throws(CapabilityError) -> ConsumerHealth {
    switch self {
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
    case .command(let command, let directory):
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
