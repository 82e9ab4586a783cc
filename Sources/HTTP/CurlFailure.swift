import CCurl
import Capabilities

/// What a failed exchange means for the caller: nothing reached the server, or the reply was lost.
struct CurlFailure {
  private let code: CURLcode
  private let wasSent: Bool
  private let isTooLarge: Bool
  private let proxyStatus: Int
  private let wasForbidden: Bool

  /// - Parameters:
  ///   - proxyStatus: what a proxy answered to CONNECT; 0: none was asked, or it did not answer.
  ///   - wasForbidden: an address was not public and had to be.
  init(_ code: CURLcode, wasSent: Bool, isTooLarge: Bool, proxyStatus: Int, wasForbidden: Bool) {
    self.code = code
    self.wasSent = wasSent
    self.isTooLarge = isTooLarge
    self.proxyStatus = proxyStatus
    self.wasForbidden = wasForbidden && code == CURLE_COULDNT_CONNECT
  }

  /// - Parameter isSafe: the request had no effect, so a lost reply is only `.network` or `.timeout`.
  func error(_ operation: String, isSafe: Bool, timeout: Duration) -> CapabilityError {
    if wasForbidden { return Self.forbidden(operation) }
    let (because, fix) = reason(timeout)
    if wasSent, !isSafe {
      return CapabilityError(
        .unknownOutcome, operation, because: "the request was sent, then \(because)", fix: fix)
    }
    if isTooLarge { return CapabilityError(.invalid, operation, because: because, fix: fix) }
    return CapabilityError(
      isSafe && code == CURLE_OPERATION_TIMEDOUT ? .timeout : .network, operation, because: because, fix: fix)
  }

  /// A host that did not come from staunch.yaml is inside the network.
  static func forbidden(_ operation: String) -> CapabilityError {
    CapabilityError(
      .unsafe, operation, because: "the host has no public address, and nobody has named it in staunch.yaml",
      fix: "if it is yours, give it an entry in staunch.yaml")
  }

  static func cancelled(_ operation: String, isSafe: Bool, wasSent: Bool) -> CapabilityError {
    wasSent && !isSafe
      ? CapabilityError(
        .unknownOutcome, operation, because: "the request was sent, then cancelled before the reply came")
      : CapabilityError(.cancelled, operation, because: "cancelled")
  }

  private func reason(_ timeout: Duration) -> (because: String, fix: String?) {
    if isTooLarge { return ("the answer is larger than allowed", "check that the URL is the API's") }
    if proxyStatus != 0, !(200...299).contains(proxyStatus) {
      return (
        "the proxy refused the connection (HTTP \(proxyStatus))",
        proxyStatus == 407
          ? "the proxy wants a login: give it in HTTPS_PROXY"
          : "let the proxy allow the host, or name the host in NO_PROXY"
      )
    }
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
        "check the host name; for a private authority name its PEM file as tls_ca of the entry in staunch.yaml, or in SSL_CERT_FILE"
      )
    case CURLE_SSL_CACERT_BADFILE:
      return (
        "the file of certificate authorities could not be read",
        "check tls_ca in staunch.yaml and SSL_CERT_FILE: PEM, readable"
      )
    case CURLE_SSL_CERTPROBLEM:
      return (
        "the client certificate or its key could not be used",
        "check tls_certificate and tls_key in staunch.yaml: PEM, readable, and they belong together"
      )
    case CURLE_SSL_CONNECT_ERROR:
      return ("TLS could not be agreed", "check that the port speaks TLS 1.2 or newer")
    default:
      return (
        "the connection broke (libcurl \(code.rawValue): \(String(cString: curl_easy_strerror(code))))", nil
      )
    }
  }
}
