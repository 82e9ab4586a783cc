import Capabilities
import Foundation
import HTTP
import Synchronization

/// libcurl, through which the next change's reply is lost or the next question is answered 429.
final class ShakyTransport: HTTPTransport {
  let losesReply = Mutex(false)
  let isBusy = Mutex(false)
  private let real: any HTTPTransport

  init(over real: any HTTPTransport = CurlTransport()) { self.real = real }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    if isBusy.withLock({ busy in
      defer { busy = false }
      return busy
    }) {
      return HTTPResponse(status: 429, headers: [:], body: Data())
    }
    return try await real.fetch(request)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    let answer = try await real.send(request, under: authority)
    if losesReply.withLock({ loses in
      defer { loses = false }
      return loses
    }) {
      throw CapabilityError(.unknownOutcome, "test", because: "the reply is lost")
    }
    return answer
  }
}
