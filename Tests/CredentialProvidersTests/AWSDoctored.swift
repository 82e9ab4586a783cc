import Capabilities
import Foundation
import HTTP
import JSON
import Secrets

/// One event as CloudTrail records it.
struct TrailEvent {
  let name: String
  let by: String?
  let record: JSONValue

  /// - Parameters:
  ///   - by: the access key id; nil: the leaked one.
  ///   - role: whose session it was.
  init(
    _ name: String, by: String? = nil, from address: String = "198.51.100.9", role: String? = nil,
    request: JSONValue = .null, response: JSONValue = .null, isFailed: Bool = false
  ) {
    self.name = name
    self.by = by
    var record: [String: JSONValue] = [
      "eventVersion": "1.08", "eventTime": "2026-11-30T12:00:00Z", "eventName": .string(name),
      "sourceIPAddress": .string(address), "requestParameters": request, "responseElements": response,
    ]
    if isFailed { record["errorCode"] = "AccessDenied" }
    if let role {
      record["userIdentity"] = ["sessionContext": ["sessionIssuer": ["userName": .string(role)]]]
    }
    self.record = .object(record)
  }

  var json: JSONValue {
    [
      "EventName": .string(name), "EventTime": 1_796_040_000,
      "CloudTrailEvent": .string(record.canonicalText),
    ]
  }
}

/// libcurl, but some requests are answered by the test.
final class Doctored: HTTPTransport {
  struct Question {
    let request: HTTPRequest
    private var body: String {
      switch request.body {
      case .none: ""
      case .bytes(let data): String(decoding: data, as: UTF8.self)
      case .secret(let secret): secret.exposeAsText()
      }
    }
    var form: [String: String] {
      let items = URLComponents(string: "http://it/?" + body)?.queryItems ?? []
      return Dictionary(items.map { ($0.name, $0.value ?? "") }) { _, last in last }
    }
    var json: JSONValue? { try? JSONValue(parsing: Data(body.utf8)) }
    private func header(_ name: String) -> String? {
      switch request.headers.first(where: { $0.name == name })?.value {
      case .text(let text)?: text
      case .secret(let prefix, let secret)?: prefix + secret.exposeAsText()
      case nil: nil
      }
    }
    var target: String? { header("X-Amz-Target") }
    /// Whose signature it carries.
    var keyID: String? {
      header("Authorization")?.components(separatedBy: "Credential=").last?.split(separator: "/").first.map {
        String($0)
      }
    }
  }

  enum Answer {
    case answer(Int, body: Data)
    static func xml(_ status: Int, _ text: String) -> Answer { .answer(status, body: Data(text.utf8)) }
  }

  private let real = CurlTransport()
  private let answer: @Sendable (Question) -> Answer?

  init(_ answer: @escaping @Sendable (Question) -> Answer?) { self.answer = answer }

  /// CloudTrail tells these events, each under its own key's id.
  static func trail(
    _ events: [TrailEvent], _ more: @escaping @Sendable (Question) -> Answer? = { _ in nil }
  ) -> Doctored {
    let told = events.map { (by: $0.by, json: $0.json) }
    return Doctored { question in
      guard question.target?.hasSuffix("LookupEvents") == true else { return more(question) }
      let id = question.json?["LookupAttributes"]?.array?.first?["AttributeValue"]?.string
      let isNamed = told.contains { $0.by == id }
      let fitting = told.filter { isNamed ? $0.by == id : $0.by == nil && id?.hasPrefix("AKIA") == true }
      return .answer(
        200, body: Data(JSONValue.object(["Events": .array(fitting.map(\.json))]).canonicalBytes))
    }
  }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    guard case .answer(let status, let body)? = answer(Question(request: request.request)) else {
      return try await real.fetch(request)
    }
    return HTTPResponse(status: status, headers: [:], body: body)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    guard case .answer(let status, let body)? = answer(Question(request: request)) else {
      return try await real.send(request, under: authority)
    }
    return HTTPResponse(status: status, headers: [:], body: body)
  }
}
