import CCurl
import Capabilities

/// What a failed exchange means for the caller: nothing reached the server, or the reply was lost.
struct CurlFailure {
  private let code: CURLcode
  private let wasSent: Bool
  private let isTooLarge: Bool

  init(_ code: CURLcode, wasSent: Bool, isTooLarge: Bool) {
    self.code = code
    self.wasSent = wasSent
    self.isTooLarge = isTooLarge
  }

  /// - Parameter isSafe: the request had no effect, so a lost reply is only `.network` or `.timeout`.
  func error(_ operation: String, isSafe: Bool, timeout: Duration) -> CapabilityError {
    let (because, fix) = reason(timeout)
    if wasSent, !isSafe {
      return CapabilityError(
        .unknownOutcome, operation, because: "the request was sent, then \(because)", fix: fix)
    }
    if isTooLarge { return CapabilityError(.invalid, operation, because: because, fix: fix) }
    return CapabilityError(
      isSafe && code == CURLE_OPERATION_TIMEDOUT ? .timeout : .network, operation, because: because, fix: fix)
  }

  static func cancelled(_ operation: String, isSafe: Bool, wasSent: Bool) -> CapabilityError {
    wasSent && !isSafe
      ? CapabilityError(
        .unknownOutcome, operation, because: "the request was sent, then cancelled before the reply came")
      : CapabilityError(.cancelled, operation, because: "cancelled")
  }

  private func reason(_ timeout: Duration) -> (because: String, fix: String?) {
    if isTooLarge { return ("the answer is larger than allowed", "check that the URL is the API's") }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST:
      return ("the host name could not be resolved", "check the URL and the resolver: getent hosts NAME")
    case CURLE_COULDNT_RESOLVE_PROXY:
      return ("the proxy's host name could not be resolved", "check HTTPS_PROXY")
    case CURLE_COULDNT_CONNECT:
      return ("no connection to the server", "check host, port, firewall and proxy")
    case CURLE_OPERATION_TIMEDOUT:
      return ("no answer within \(timeout)", "check that the server is up")
    case CURLE_PEER_FAILED_VERIFICATION:
      return (
        "the server's certificate could not be verified",
        "check the host name; for a private authority name its PEM file: tls_ca in its entry of staunch.yaml"
      )
    case CURLE_SSL_CACERT_BADFILE:
      return ("the file of certificate authorities could not be read", "check tls_ca in staunch.yaml")
    case CURLE_SSL_CONNECT_ERROR:
      return ("TLS could not be agreed", "check that the port speaks TLS 1.2 or newer")
    default:
      return (
        "the connection broke (libcurl \(code.rawValue): \(String(cString: curl_easy_strerror(code))))", nil
      )
    }
  }
}
