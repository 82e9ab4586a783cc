import Capabilities

/// What the end of a connection means for the caller.
enum Failures {
  /// - Parameter changes: something that changes may have reached the server.
  static func error(_ failure: LineFailure, _ operation: String, changes: Bool) -> CapabilityError {
    if changes {
      let because =
        switch failure {
        case .timedOut: "no answer came in time"
        case .cancelled: "the wait was cancelled"
        case .unreadable, .tooLong: "the answer could not be read"
        case .broken, .untrusted, .noAuthorities, .noClientCertificate, .noTLS: "the connection broke"
        }
      return CapabilityError(
        .unknownOutcome, operation, because: "the commands were sent, then \(because)")
    }
    return switch failure {
    case .timedOut: CapabilityError(.timeout, operation, because: "no answer in time")
    case .cancelled: CapabilityError(.cancelled, operation, because: "cancelled")
    case .unreadable:
      CapabilityError(
        .serverError, operation, because: "what came is no answer of a Redis server",
        fix: "see who listens at the address of the entry in staunch.yaml")
    case .tooLong:
      CapabilityError(.serverError, operation, because: "the answer is longer than any that was asked for")
    case .broken, .untrusted, .noAuthorities, .noClientCertificate, .noTLS:
      CapabilityError(.network, operation, because: "the connection broke")
    }
  }

  /// Before anything was asked.
  static func connecting(_ failure: LineFailure, _ login: RedisLogin) -> CapabilityError {
    let operation = "connect to \(login.place)"
    switch failure {
    case .untrusted(let reason):
      return CapabilityError(
        .unsafe, "TLS to \(login.place)",
        because:
          "the certificate is not that of \(login.tls?.name ?? login.host) under tls_ca (\(reason)); it was told "
          + "nothing",
        fix:
          "see who answers there: openssl s_client -connect \(login.place); where the certificate holds another name "
          + "of it: tls_name in staunch.yaml")
    case .noAuthorities:
      return CapabilityError(
        .configuration, "TLS to \(login.place)",
        because: "the file of tls_ca holds no certificate that can be read",
        fix: "see it: openssl x509 -in \(login.tls?.authorities ?? "FILE") -noout -subject")
    case .noClientCertificate:
      return CapabilityError(
        .configuration, "TLS to \(login.place)",
        because:
          "the files of tls_certificate and tls_key hold no certificate with its key, or the key has a password",
        fix: "write both as PEM, the key without a password and readable by the runner alone")
    case .noTLS:
      return CapabilityError(
        .network, "TLS to \(login.place)", because: "the server speaks no TLS there, or hung up on ours",
        fix: "check tls and port in staunch.yaml, and tls-auth-clients of the server")
    case .broken:
      return CapabilityError(
        .network, operation, because: "no connection to the server",
        fix: login.tls == nil || login.tls?.certificate != nil
          ? "check that it is up, and its address"
          : "check that it is up, and whether it wants a certificate of the runner's (tls-auth-clients): tls_certificate "
            + "in staunch.yaml")
    case .timedOut:
      return CapabilityError(
        .network, operation, because: "no answer within \(login.timeout)",
        fix: login.tls == nil ? "check that it is up" : "check that it is up and speaks TLS at this port")
    case .cancelled, .unreadable, .tooLong: return error(failure, operation, changes: false)
    }
  }
}
