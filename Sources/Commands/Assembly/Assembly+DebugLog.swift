import Secrets
import ArgumentParser
import Capabilities
import Foundation
import Incidents

/// How much of what happens inside is told: `--log-level`, or `STAUNCH_LOG`.
enum LogLevel: String, ExpressibleByArgument, CaseIterable, Sendable {
  case error, warning, info, debug, trace

  fileprivate var level: DebugLog.Level {
    switch self {
    case .error: .error
    case .warning: .warning
    case .info: .info
    case .debug: .debug
    case .trace: .trace
    }
  }
}

extension Assembly {
  private static let variable = "STAUNCH_LOG"

  /// Opens the debug log where it is asked for. Lines go to standard error, through the redactor like everything else.
  ///
  /// - Throws: exit 64 when `STAUNCH_LOG` is no level.
  func openDebugLog() throws {
    guard let asked = try options.logLevel ?? levelOfEnvironment() else { return }
    let (console, redactor) = (console, redactor)
    DebugLog.open(upTo: asked.level) { level, room, text in
      // Redacted first: an escape within a secret would hide it from the console's redactor.
      console.log("\(Timestamp.text(Date())) \(level) \(room): \(harmless(redactor.redact(text)))")
    }
    DebugLog.note(.info, "command", "staunch \(toolVersion), state \(statePath), in \(workingDirectory)")
  }

  private func levelOfEnvironment() throws -> LogLevel? {
    guard let word = environment[Self.variable], !word.isEmpty else { return nil }
    if let level = LogLevel(rawValue: word) { return level }
    throw CommandFailure(
      .usage, "\(Self.variable)=\(harmless(word)) is no level of the debug log",
      because: "it is one of \(LogLevel.allCases.map(\.rawValue).joined(separator: ", "))",
      fix: "export \(Self.variable)=debug, or: unset \(Self.variable)")
  }
}
