import Foundation
import Incidents
import JSON

extension Engine {
  func takeBack() async throws -> RunEnd {
    try end(.aborted, reason: recorder.history { $0.abortReason })
  }
}
