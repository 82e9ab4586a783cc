/// What the JSON API can do. The document and the server are both made from this list, so neither has a route of its own.
public enum APIOperation: String, Sendable, CaseIterable {
  case listIncidents, getIncident, getPostMortem, getPlan, getOutbox, getStorm, releaseStorm, postDecision
  case getDecision, beginSession, endSession, getOpenAPI

  public var method: String {
    switch self {
    case .postDecision, .beginSession, .releaseStorm: "POST"
    case .endSession: "DELETE"
    case .listIncidents, .getIncident, .getPostMortem, .getPlan, .getOutbox, .getStorm, .getDecision,
      .getOpenAPI:
      "GET"
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
    case .getStorm, .releaseStorm: "/storm"
    case .postDecision: "/decisions"
    case .getDecision: "/decisions/{decision}"
    case .beginSession, .endSession: "/session"
    case .getOpenAPI: "/openapi.json"
    }
  }

  /// Names of its query; one that stands twice, or another one, is refused.
  public var queryNames: [String] {
    switch self {
    case .listIncidents:
      ["after", "alive", "asks", "assigned", "kind", "limit", "q", "severity", "sort", "state"]
    case .getOutbox: ["limit", "offset", "undelivered"]
    case .getIncident, .getPostMortem, .getPlan, .getStorm, .releaseStorm, .postDecision, .getDecision,
      .beginSession, .endSession, .getOpenAPI:
      []
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
