import Capabilities
import Execution
import Incidents
import JSON
import Journal
import Response

/// Runs the plans of one report: every incident is contained before the history of any is touched, because a clean history
/// stops nobody who has the secret, and a rewrite takes long.
///
/// A run that fails or is declined holds up no other; then the history of the others waits for a person's word.
struct ReportRuns {
  typealias Step = (RunSession, Plan) async throws -> ExitStatus

  let session: RunSession
  private var installation: Installation { session.installation }

  init(_ session: RunSession) { self.session = session }

  /// - Parameters:
  ///   - begin: approves a plan and runs it.
  ///   - goOn: goes on with a run whose history waits.
  /// - Returns: how each ended, in the order of `plans`.
  func run(_ plans: [Plan], begin: Step, goOn: Step) async throws -> [ExitStatus] {
    guard plans.count > 1 else {
      var ends: [ExitStatus] = []
      for plan in plans { ends.append(try await begin(session, plan)) }
      return ends
    }
    var first = session
    first.holdsHistory = true
    var ends: [ExitStatus] = []
    for plan in plans {
      ends.append(try await attempt(plan) { try await begin(first, plan) })
      // Ctrl-C is meant for all of them.
      if ends.last == .interrupted { return ends }
    }
    let journal = installation.journal
    let open = try plans.filter { try !journal.isPastContainment($0.run) }
    let held = try plans.indices.filter { try journal.waitsForContainment(plans[$0].run) }
    guard open.isEmpty else {
      for index in held {
        session.console.say(
          "\(plans[index].run): its history waits, because \(open[0].incident?.rawValue ?? open[0].run.rawValue) is not "
            + "contained. When it is: staunch resume \(plans[index].run); to go on all the same: "
            + "staunch resume \(plans[index].run) \(HistoryOrder.word)")
      }
      return ends
    }
    for index in held {
      ends[index] = try await attempt(plans[index]) { try await goOn(session, plans[index]) }
    }
    return ends
  }

  /// Trouble with one run is said and the others go on; trouble with the journal ends it all.
  private func attempt(_ plan: Plan, _ work: () async throws -> ExitStatus) async throws -> ExitStatus {
    do { return try await work() } catch let error as JournalError {
      throw error
    } catch let error as ExecutionError where error.code == .journal {
      throw error
    } catch {
      if error is CancellationError { throw error }
      let failure = CommandFailure(after: error)
      session.console.say("\(plan.run):")
      session.console.fail(failure.message)
      return failure.status
    }
  }
}
