import Capabilities
import Execution
import Response
import Worker

extension RunSession {
  /// How the worker goes on with a run: nobody is there to answer, and its round sends what is left in the outbox.
  static func carrier(_ console: Console) -> Worker.RunCarrier {
    { installation, plan, holdsHistory in
      var session = RunSession(installation: installation, console: console, isJSON: true)
      session.holdsHistory = holdsHistory
      session.sendsTheRest = false  // the round does, when every run has had its turn
      if let reason = try RunWords(plan, in: installation.journal).abortion() {
        _ = try await session.abort(plan, mode: .live, because: reason)
      } else {
        _ = try await session.resume(plan, mode: .live)
      }
    }
  }
}
