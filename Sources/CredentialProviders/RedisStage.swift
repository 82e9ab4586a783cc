import Capabilities
import JSON

/// Whether a Redis server's words are its own: commands under their own names, and no module that rewrites them.
///
/// `rename-command GET CLIENT` would make `CLIENT LIST` a value that anybody may set, and a module's filter sees and
/// changes every command, `AUTH` too. Where the runner lacks the right to look, this is not known and stops nothing:
/// the right is in the documentation. Sources: https://redis.io/docs/latest/commands/command-info/,
/// …/module-list/, https://redis.io/docs/latest/develop/reference/modules/modules-api-ref/#section-module-command-filter-api
struct RedisStage {
  /// Modules of the operator.
  let modules: Set<String>
  /// Commands that the server's owner gives to nobody: ElastiCache has no CONFIG and no MODULE.
  var withheld: Set<String> = []

  private static let names = ["acl", "auth", "client", "config", "info", "module"]
  static let questions: [RedisQuestion] = [.commands(names), .modules]

  /// Why nothing that the server says is evidence; nil when it may be.
  func problem(_ replies: [RedisReply]) -> CapabilityError? {
    do throws(CapabilityError) { try check(replies) } catch { return error }
    return nil
  }

  /// - Parameter replies: the answers to ``questions``.
  /// - Throws: `.unsafe`.
  func check(_ replies: [RedisReply]) throws(CapabilityError) {
    guard replies.count == Self.questions.count else {
      throw CapabilityError(.serverError, "COMMAND INFO", because: "the server gave no answer")
    }
    for (reply, question) in zip(replies, Self.questions) {
      // NOPERM is a right that was not given; any other error is a server that has not these commands.
      guard case .error(let word) = reply, word != "NOPERM" else { continue }
      if question == .modules, withheld.contains("module") { continue }
      throw CapabilityError(
        .unsafe, question.name, because: "the server answered \(word)",
        fix: "see whether its configuration renames commands")
    }
    if case .value(let found) = replies[0] {
      let entries = found.array ?? []  // no list: no command of it is there, which the loop says
      for (index, name) in Self.names.enumerated() {
        let word = index < entries.count ? entries[index].array?.first?.string : nil
        guard word == name || (word == nil && withheld.contains(name)) else {
          throw CapabilityError(
            .unsafe, "COMMAND INFO \(name)",
            because: word == nil
              ? "the server has no command of this name: it was renamed or taken away"
              : "under this name the server runs another command",
            fix: "see who wrote rename-command into its configuration; grant rights by ACL instead")
        }
      }
    }
    if case .value(let found) = replies[1] {
      guard let entries = found.array else {
        throw CapabilityError(
          .unsafe, "MODULE LIST", because: "the server's answer is no list: which modules it runs is unknown",
          fix: "see what answers at its address: redis-cli MODULE LIST")
      }
      for entry in entries {
        let members = RedisReply.members(of: entry) ?? [:]
        let name = members["name"]?.string ?? "without a name"
        // Built into the server, it comes from no file.
        guard members["path"]?.string != "", !modules.contains(name) else { continue }
        throw CapabilityError(
          .unsafe, "MODULE LIST",
          because: "the server runs the module \(name), which sees and can change every command",
          fix: "when it is yours, write modules: [\(name)] in staunch.yaml; else see who loaded it")
      }
    }
  }
}
