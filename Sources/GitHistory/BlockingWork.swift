import Capabilities
import Dispatch
import GitObjects
import Synchronization

/// Runs work that reads gigabytes away from Swift's own threads, and ends it when the task is cancelled.
enum BlockingWork {
  private static let queue = DispatchQueue(label: "staunch.git-history", attributes: .concurrent)

  /// - Parameter body: gets a progress that reports to `sink` and stops the engine when the task is cancelled.
  static func run<Result: Sendable>(
    progress sink: any ProgressSink, _ body: @escaping @Sendable (EngineProgress) throws -> Result
  ) async throws(CapabilityError) -> Result {
    let stop = Stop()
    let progress = EngineProgress(
      report: {
        sink.progress(
          $0.phase.rawValue, done: $0.done, total: $0.total,
          unit: [.write, .files].contains($0.phase) ? "bytes" : "objects")
      },
      isCancelled: { stop.flag.load(ordering: .relaxed) })
    do {
      return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
          queue.async { continuation.resume(with: Swift.Result { try body(progress) }) }
        }
      } onCancel: {
        stop.flag.store(true, ordering: .relaxed)
      }
    } catch let error as CapabilityError {
      throw error
    } catch let error as GitObjectsError {
      throw CapabilityError(error)
    } catch {
      throw CapabilityError(.refused, "work on Git objects", because: "\(type(of: error))")
    }
  }

  private final class Stop: Sendable {
    let flag = Atomic(false)
  }
}

extension CapabilityError {
  /// The engine's error in the words of the port.
  init(_ error: GitObjectsError) {
    let kind: CapabilityError.Class =
      switch error.code {
      case .notARepository: .notFound
      case .unsupported: .unsupported
      case .corrupt, .missingObject, .badPattern: .invalid
      case .system: .refused
      case .cancelled: .cancelled
      }
    self.init(kind, error.what, because: error.why, fix: error.fix)
  }
}

/// Runs engine calls with the port's typed error.
func engine<Result>(_ body: () throws(GitObjectsError) -> Result) throws(CapabilityError) -> Result {
  do {
    return try body()
  } catch {
    throw CapabilityError(error)
  }
}
