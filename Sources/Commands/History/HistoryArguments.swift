import ArgumentParser
import Foundation

/// Parses the arguments of `staunch history` before they run, because the parser's own complaint quotes what it does not
/// understand: and that may be the secret.
enum HistoryArguments {
  /// The complaint without what was given, or nil when there is none.
  static func complaint(about arguments: [String]) -> String? {
    guard arguments.first == "history" else { return nil }
    do {
      _ = try Staunch.parseAsRoot(arguments)
      return nil
    } catch {
      guard Staunch.exitCode(for: error) != .success else { return nil }
      var text = Staunch.fullMessage(for: error)
      for argument in arguments {
        let value =
          argument.hasPrefix("-")
          ? argument.split(separator: "=", maxSplits: 1).dropFirst().first : argument[...]
        guard let value, !value.isEmpty, !known.contains(String(value)) else { continue }
        text = text.replacing("'\(argument)'", with: "'…'").replacing("'\(value)'", with: "'…'")
        // Long values are never part of our own words.
        if value.utf8.count >= 12 { text = text.replacing(value, with: "…") }
      }
      return text
    }
  }

  private static let known = Set(
    ["history"] + HistoryCommand.configuration.subcommands.compactMap { $0.configuration.commandName })
}
