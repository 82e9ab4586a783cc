import Capabilities
import Execution
import Journal
package import Response

/// Nobody listens, unless the test does.
package struct QuietVoice: Voice {
  private let hears: @Sendable (_ line: String, _ fields: [String: String]) -> Void

  package init(hears: @escaping @Sendable (_ line: String, _ fields: [String: String]) -> Void = { _, _ in })
  {
    self.hears = hears
  }

  package func say(_ line: String) { hears(line, [:]) }
  package func say(_ line: String, _ fields: [String: String]) { hears(line, fields) }
  package func transient(_ line: String) {}
  package func endTransient() {}

  package func tell(_ error: any Error) -> (because: String, fix: String?) {
    let words = words(for: error)
    return (words.because, words.fix)
  }

  package func words(for error: any Error) -> (what: String, because: String, fix: String?) {
    switch error {
    case let error as Refusal: return (error.what, error.because, error.fix)
    case let error as CapabilityError: return (error.operation, error.because, error.fix)
    case let error as JournalError: return (error.operation, error.because, error.fix)
    case let error as ExecutionError: return (error.operation, error.because, error.fix)
    default: return ("go on", "\(error)", nil)
    }
  }
}
