/// Why a connection is of no use any more.
enum LineFailure: Error {
  case timedOut, cancelled
  /// Nobody is there, or it broke.
  case broken
  /// The certificate is not that of the server that was meant. The reason is OpenSSL's own, of a fixed list.
  case untrusted(String)
  /// The file of the authorities cannot be read.
  case noAuthorities
  /// The file of the runner's own certificate or of its key cannot be read, or they do not fit.
  case noClientCertificate
  /// No TLS came about: none is spoken there, or no version of ours.
  case noTLS
  /// What came is no answer in Redis's protocol.
  case unreadable
  /// An answer is longer than anything that was asked for.
  case tooLong

  /// For the debug log.
  var word: String {
    switch self {
    case .timedOut: "timed out"
    case .cancelled: "cancelled"
    case .broken: "no connection"
    case .untrusted: "not the server's certificate"
    case .noAuthorities: "no authorities"
    case .noClientCertificate: "no client certificate"
    case .noTLS: "no TLS"
    case .unreadable: "unreadable"
    case .tooLong: "too long"
    }
  }
}
