import WebhookSignatures

/// Why a request is not taken. The sender learns the status and one constant word; the reason goes to the log and the metrics.
enum Refusal: Error, Sendable {
  case unauthorized(SignatureError)
  /// 400: authentic, but not what the sender's format allows.
  case malformed(String)
  case notFound
  case method(allowed: String)
  case tooLarge
  case mediaType(String)
  case tooMany
  /// 503: our own fault or load; the sender should come again.
  case unavailable(String)
  /// 503: the answer's deadline came before the disk's word.
  case late(String)
  /// The connection broke, or was too slow: nobody is left to answer.
  case gone

  /// For metrics: one of a few words.
  var reason: String {
    switch self {
    case .unauthorized(let error): "signature_\(error.code.rawValue)"
    case .malformed: "malformed"
    case .notFound: "not_found"
    case .method: "method"
    case .tooLarge: "too_large"
    case .mediaType: "media_type"
    case .tooMany: "too_many"
    case .unavailable: "unavailable"
    case .late: "late"
    case .gone: "gone"
    }
  }

  /// For the log; never of the sender's content.
  var because: String {
    switch self {
    case .unauthorized(let error): error.because
    case .malformed(let why), .mediaType(let why), .unavailable(let why), .late(let why): why
    case .notFound: "no such route"
    case .method: "the method is not allowed here"
    case .tooLarge: "the body is larger than this route takes"
    case .tooMany: "the route's rate is used up"
    case .gone: "the connection ended before the request"
    }
  }

  var answer: Answer {
    switch self {
    case .unauthorized: Answer(401, "unauthorized\n", fields: [("WWW-Authenticate", "Bearer")])
    case .malformed: Answer(400, "bad request\n")
    case .notFound: Answer(404, "not found\n")
    case .method(let allowed): Answer(405, "method not allowed\n", fields: [("Allow", allowed)])
    case .tooLarge: Answer(413, "content too large\n")
    case .mediaType: Answer(415, "unsupported media type\n", fields: [("Accept-Encoding", "identity")])
    case .tooMany: Answer(429, "too many requests\n", fields: [("Retry-After", "1")])
    case .unavailable, .late, .gone: Answer(503, "try again\n", fields: [("Retry-After", "5")])
    }
  }
}
