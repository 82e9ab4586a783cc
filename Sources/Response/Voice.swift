/// Where people read what goes on.
package protocol Voice: Sendable {
  func say(_ line: String)
  /// A line, and what a structured log keeps apart beside it: `delivery`, `route`.
  func say(_ line: String, _ fields: [String: String])
  /// One line that the next one takes the place of.
  func transient(_ line: String)
  func endTransient()
  /// Says what went wrong, and gives the reason and the next command.
  @discardableResult func tell(_ error: any Error) -> (because: String, fix: String?)
  /// An error in words, without saying them.
  func words(for error: any Error) -> (what: String, because: String, fix: String?)
}

extension Voice {
  package func say(_ line: String, _ fields: [String: String]) { say(line) }
}
