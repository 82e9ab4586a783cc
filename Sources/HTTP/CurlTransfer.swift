import CCurl
import Capabilities
import Foundation

/// One exchange: waiting, then on a ``CurlHandle`` of its own, then over.
///
/// Its deadline counts from its beginning: what it waited for its place is not the server's time.
///
/// Invariant for @unchecked: its creator touches it before it is submitted; afterwards only the loop's thread does.
final class CurlTransfer: @unchecked Sendable {
  typealias Answer = Result<HTTPResponse, CapabilityError>

  /// Scheme, host and port: what a place in the queue is for.
  let server: String
  private let operation: String
  private let isSafe: Bool
  private let timeout: Duration
  /// What is asked; nil once it is over.
  private var question: CurlQuestion?
  private var handle: CurlHandle?
  private var began: ContinuousClock.Instant?
  private var finish: ((Answer) -> Void)?

  /// - Parameter finish: called exactly once: by whoever cancels before it is submitted, else on the loop's thread.
  init(_ question: CurlQuestion, finish: @escaping (Answer) -> Void) {
    server = question.address.server
    operation = question.address.operation
    isSafe = question.isSafe
    timeout = question.request.timeout
    self.question = question
    self.finish = finish
  }

  /// libcurl's handle, while it has one.
  var easy: OpaquePointer? { handle?.easy }

  /// Makes its handle. - Returns: nil when it is over: cancelled before, or ended here because libcurl could not.
  func begin() -> OpaquePointer? {
    guard finish != nil, var question else { return nil }
    let now = ContinuousClock.now
    if let began { question.request.timeout = timeout - began.duration(to: now) }
    began = began ?? now
    do throws(CapabilityError) {
      let made = try CurlHandle(question)
      handle = made
      return made.easy
    } catch {
      complete(.failure(error))
      return nil
    }
  }

  /// Whether it goes back into the queue: what broke where HTTP/2 may have been spoken (a front that closes it, a proxy that
  /// cannot) is asked once more, over HTTP/1.1. Only questions speak HTTP/2, so nothing with an effect is ever repeated.
  func isAskedAgain(after code: CURLcode) -> Bool {
    let isBroken = [
      CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR,
      CURLE_RECV_ERROR,
    ].contains(code)
    guard isBroken, question?.mayUseHTTP2 == true, let began, began.duration(to: .now) < timeout else {
      return false
    }
    question?.mayUseHTTP2 = false
    return true
  }

  /// Ends the exchange with what libcurl said.
  func end(with code: CURLcode) {
    guard let handle else { return }
    if code == CURLE_OK {
      complete(.success(handle.response))
    } else {
      let failure = CurlFailure(
        code, wasSent: handle.wasSent, isTooLarge: handle.isTooLarge, proxyStatus: handle.proxyStatus,
        wasForbidden: handle.wasForbidden)
      complete(.failure(failure.error(operation, isSafe: isSafe, timeout: timeout)))
    }
  }

  /// Ends the exchange because its task was cancelled or the transport is going away; does nothing when it is over.
  func cancel() {
    complete(
      .failure(CurlFailure.cancelled(operation, isSafe: isSafe, wasSent: handle?.wasSent ?? false)))
  }

  /// Frees the handle, which libcurl no longer uses.
  func close() { handle = nil }

  private func complete(_ answer: Answer) {
    guard let finish else { return }
    self.finish = nil
    question = nil
    finish(answer)
  }
}

/// What a transfer asks, and how it may be asked.
struct CurlQuestion: Sendable {
  var request: HTTPRequest
  let address: RequestAddress
  /// The request changes nothing, so a broken connection is only `.network`.
  let isSafe: Bool
  let options: TransportOptions
  /// A question that shares connections, over TLS. The others are alone on theirs, where HTTP/2 gains nothing and libcurl
  /// would send a refused stream again by itself.
  var mayUseHTTP2: Bool

  init(_ request: HTTPRequest, at address: RequestAddress, isSafe: Bool, options: TransportOptions) {
    self.request = request
    self.address = address
    self.isSafe = isSafe
    self.options = options
    mayUseHTTP2 =
      isSafe && !request.isOnFreshConnection && !request.isToPublicAddressOnly && address.isTLS
  }
}
