public import Foundation

extension HTTPResponse {
  /// What a status outside 200…299 means for the caller; nil for success. Reads the status and headers, never the body.
  ///
  /// - Parameters:
  ///   - operation: method and path, as errors show it.
  ///   - changes: the request had an effect: a gateway's or server's failure then leaves its outcome unknown
  ///     (RFC 9110 §15.6), except 503, which promises that nothing was done.
  ///   - fix: for a refusal of the runner's own credential.
  public func failure(_ operation: String, changes: Bool, now: Date, fix: String? = nil) -> CapabilityError? {
    let requestID = ["x-request-id", "x-github-request-id", "x-amzn-requestid", "request-id"]
      .lazy.compactMap { headers[$0] }.first
    func error(_ class: CapabilityError.Class, _ because: String, _ fix: String? = nil) -> CapabilityError {
      CapabilityError(
        `class`, operation, because: "\(because) (HTTP \(status))", fix: fix, requestID: requestID,
        retryAfter: retryAfter(now: now))
    }
    switch status {
    case 200...299: return nil
    case 300...399:
      return error(
        .configuration, "the server redirects, which is not followed", "write the final URL in staunch.yaml")
    case 401: return error(.refused, "the server does not accept the runner's credential", fix)
    case 403: return error(.refused, "the runner may not do this", fix)
    case 404: return error(.notFound, "there is no such thing, or the runner may not see it")
    case 405, 501: return error(.unsupported, "the server does not know this call")
    case 407: return error(.refused, "the proxy wants a login")
    case 408: return error(changes ? .unknownOutcome : .timeout, "the server stopped waiting")
    case 409, 412: return error(.conflict, "it conflicts with what is there")
    case 410: return error(.notFound, "it is gone for good")
    case 425, 503: return error(.serverError, "the server cannot do it now")
    case 429: return error(.rateLimit, "too many requests")
    case 500...599: return error(changes ? .unknownOutcome : .serverError, "the server failed")
    default: return error(.invalid, "the server did not accept the request")
    }
  }
}
