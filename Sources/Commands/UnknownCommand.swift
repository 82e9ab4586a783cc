import ArgumentParser
import Playbooks

/// Says what was meant when the first word is no command. Without this the default command (`status`) would take the
/// word as an argument of its own and complain about that.
enum UnknownCommand {
  /// The message for `arguments` (without the program's name), or nil when the first word is a command or an option.
  static func message(for arguments: [String], among commands: [String]) -> String? {
    guard let word = arguments.first, !word.hasPrefix("-"), !commands.contains(word), word != "help" else {
      return nil
    }
    let shown = harmless(word)
    let nearest = Suggestion.nearest(to: word, among: commands)
    return """
      error: there is no command "\(shown)"
        because: \(nearest.map { "did you mean \"\($0)\"?" } ?? "it is none of those that staunch --help lists")
        fix: staunch \(nearest.map { "\($0) --help" } ?? "--help")
      """
  }
}
