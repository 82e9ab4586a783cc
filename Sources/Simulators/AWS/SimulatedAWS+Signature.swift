import Cryptography
import Foundation
import JSON
import Secrets

// Who sends a request: signature version 4, checked from what arrived and not by the code that signs.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
extension SimulatedAWS {
  /// How a service spells its errors.
  struct Style: Sendable {
    enum Kind: Sendable { case query, json, rest }
    let service: String
    let kind: Kind

    init(service: String, kind: Kind) {
      self.service = service
      self.kind = kind
    }

    init(_ service: String) {
      self.init(
        service: service,
        kind: ["iam", "sts", "redshift"].contains(service) ? .query : service == "s3" ? .rest : .json)
    }

    /// - Parameter status: nil: 403, and of a JSON API 400.
    func refusal(_ code: String, _ message: String, status: Int? = nil) -> SimulatedReply {
      let headers = ["x-amzn-requestid": UUID().uuidString.lowercased()]
      switch kind {
      case .query:
        return .xml(
          status ?? 403,
          "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(SimulatedAWS.escaped(message))</Message></Error></ErrorResponse>",
          headers: headers)
      case .rest:
        return .xml(
          status ?? 403,
          "<Error><Code>\(code)</Code><Message>\(SimulatedAWS.escaped(message))</Message></Error>",
          headers: headers)
      case .json:
        let word = code == "AccessDenied" ? "AccessDeniedException" : code
        return .json(
          status ?? 400, ["__type": .string(word), "message": .string(message)], headers: headers)
      }
    }
  }

  /// Why a request is not taken.
  struct Refusal: Error { let reply: SimulatedReply }

  /// The parts of `Authorization`.
  private struct Credential {
    let id: String
    let day: String
    let region: String
    let service: String
    let signed: [String]
    let signature: String

    init?(_ field: String?) {
      guard let field, field.hasPrefix("AWS4-HMAC-SHA256 ") else { return nil }
      var parts: [String: String] = [:]
      for part in field.dropFirst("AWS4-HMAC-SHA256 ".count).split(separator: ",") {
        let pair = part.trimmingCharacters(in: .whitespaces).split(separator: "=", maxSplits: 1)
        guard pair.count == 2 else { return nil }
        parts[String(pair[0])] = String(pair[1])
      }
      let scope = (parts["Credential"] ?? "").split(separator: "/").map(String.init)
      guard scope.count == 5, scope[4] == "aws4_request", let names = parts["SignedHeaders"],
        let signature = parts["Signature"]
      else { return nil }
      (id, day, region, service) = (scope[0], scope[1], scope[2], scope[3])
      signed = names.split(separator: ";").map(String.init)
      self.signature = signature
    }
  }

  /// AWS takes a signature for five minutes.
  private static let tolerance: TimeInterval = 5 * 60

  func caller(of request: SimulatedRequest, _ state: State) -> Result<(Caller, Style), Refusal> {
    guard let credential = Credential(request.headers["authorization"]) else {
      return .failure(
        Refusal(reply: Style("sts").refusal("MissingAuthenticationToken", "Missing Authentication Token")))
    }
    let style = Style(credential.service)
    func refused(_ query: String, _ json: String, _ rest: String, _ message: String) -> Refusal {
      let code =
        switch style.kind {
        case .query: query
        case .json: json
        case .rest: rest
        }
      return Refusal(reply: style.refusal(code, message))
    }
    let token = request.headers["x-amz-security-token"]
    let session = state.sessions.first { $0.id == credential.id && $0.token == token }
    let key = token == nil ? state.keys.first { $0.id == credential.id } : nil
    let isStopped = key.map { !$0.isActive && !stillAccepts(true) } ?? false
    guard let secret = session?.secret ?? key?.secret, !isStopped else {
      return .failure(
        refused(
          "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
          "The security token included in the request is invalid."))
    }
    let time = request.headers["x-amz-date"] ?? ""
    guard let sent = Self.moment(time), abs(sent.timeIntervalSince(now())) <= Self.tolerance else {
      return .failure(
        refused(
          "SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed",
          "Signature expired: \(time) is too far from this clock."))
    }
    guard let signature = Self.signature(of: request, credential, time, secret),
      signature == credential.signature
    else {
      return .failure(
        refused(
          "SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch",
          "The request signature we calculated does not match the signature you provided."))
    }
    let holder = session?.holder ?? .user(key?.user ?? "")
    return .success(
      (Caller(id: credential.id, holder: holder, session: session, region: credential.region), style))
  }

  /// `20150830T123600Z`
  private static func moment(_ text: String) -> Date? {
    let digits = Array(text)
    guard digits.count == 16 else { return nil }
    func part(_ range: Range<Int>) -> String { String(digits[range]) }
    return date(
      "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z")
  }

  /// What the request should be signed with; nil: a header that it signs is not there, or the day is another one.
  private static func signature(
    of request: SimulatedRequest, _ credential: Credential, _ time: String, _ secret: String
  ) -> String? {
    guard credential.signed.contains("host"), credential.signed.contains("x-amz-date"),
      time.hasPrefix(credential.day)
    else { return nil }
    var lines = ""
    for name in credential.signed {
      guard let value = request.headers[name] else { return nil }
      lines += "\(name):\(value.split(separator: " ").joined(separator: " "))\n"
    }
    let query = request.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    let sorted = query.split(separator: "&").map { $0.contains("=") ? String($0) : "\($0)=" }.sorted {
      Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
    }
    let hash =
      credential.service == "s3"
      ? request.headers["x-amz-content-sha256"] ?? "" : Hex.text(SHA256.hash(data: request.body))
    guard credential.service != "s3" || hash == Hex.text(SHA256.hash(data: request.body)) else { return nil }
    let canonical = [
      request.method, request.location.isEmpty ? "/" : request.location, sorted.joined(separator: "&"),
      lines, credential.signed.joined(separator: ";"), hash,
    ].joined(separator: "\n")
    let scope = "\(credential.day)/\(credential.region)/\(credential.service)/aws4_request"
    let text = [
      "AWS4-HMAC-SHA256", time, scope, Hex.text(SHA256.hash(data: Array(canonical.utf8))),
    ].joined(separator: "\n")
    var key = Array("AWS4\(secret)".utf8)
    for part in [credential.day, credential.region, credential.service, "aws4_request", text] {
      key = HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: SymmetricKey(data: key))
    }
    return Hex.text(key)
  }
}

extension SimulatedReply {
  static func xml(_ status: Int, _ text: String, headers: [String: String] = [:]) -> SimulatedReply {
    .answer(
      status, headers: headers.merging(["content-type": "text/xml"]) { own, _ in own },
      body: Data("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(text)".utf8))
  }
}
