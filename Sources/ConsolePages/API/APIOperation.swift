/// What the JSON API can do. The document and the server are both made from this list, so neither has a route of its own.
public enum APIOperation: String, Sendable, CaseIterable {
  case listIncidents, getIncident, getPostMortem, getPlan, getOutbox, postDecision, getDecision, beginSession
  case endSession, getOpenAPI

  public var method: String {
    switch self {
    case .postDecision, .beginSession: "POST"
    case .endSession: "DELETE"
    case .listIncidents, .getIncident, .getPostMortem, .getPlan, .getOutbox, .getDecision, .getOpenAPI: "GET"
    }
  }

  /// Under `/api/v1`; a segment in braces is a parameter.
  public var path: String {
    switch self {
    case .listIncidents: "/incidents"
    case .getIncident: "/incidents/{incident}"
    case .getPostMortem: "/incidents/{incident}/postmortem"
    case .getPlan: "/plans/{plan}"
    case .getOutbox: "/outbox"
    case .postDecision: "/decisions"
    case .getDecision: "/decisions/{decision}"
    case .beginSession, .endSession: "/session"
    case .getOpenAPI: "/openapi.json"
    }
  }

  /// True when anybody may call it.
  public var isOpen: Bool { self == .beginSession || self == .getOpenAPI }

  /// The operations of a path, by method, and its parameters in order; none when there is no such path.
  public static func at(_ segments: [String]) -> (operations: [APIOperation], parameters: [String]) {
    var operations: [APIOperation] = []
    var parameters: [String] = []
    for operation in allCases {
      let parts = operation.path.split(separator: "/").map(String.init)
      guard parts.count == segments.count,
        zip(parts, segments).allSatisfy({ $0.hasPrefix("{") || $0 == $1 })
      else { continue }
      operations.append(operation)
      parameters = zip(parts, segments).filter { $0.0.hasPrefix("{") }.map(\.1)
    }
    return (operations, parameters)
  }
}
