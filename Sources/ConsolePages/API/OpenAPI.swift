public import JSON

/// The description of the JSON API: OpenAPI 3.1, served at `/api/v1/openapi.json` and tested against the server.
public enum OpenAPI {
  public static let document: JSONValue = [
    "openapi": "3.1.0",
    "info": [
      "title": "staunch", "version": "1",
      "description":
        "Incidents, plans, messages and decisions of one installation of staunch. No value is ever a secret. Errors are problem documents (RFC 9457).",
    ],
    "servers": [["url": "/api/v1"]],
    "security": [["bearer": []], ["cookie": [], "csrf": []]],
    "paths": .object(paths),
    "components": [
      "securitySchemes": [
        "bearer": ["type": "http", "scheme": "bearer", "description": "The token of beginSession."],
        "cookie": [
          "type": "apiKey", "in": "cookie", "name": "staunch", "description": "A session of the console.",
        ],
        "csrf": [
          "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
          "description": "With the cookie, for every request but GET: the token of the session's forms.",
        ],
      ],
      "schemas": .object(OpenAPISchemas.all),
    ],
  ]

  /// Whether a text says nothing: the document's own pattern for what people say.
  public static func isBlank(_ text: String) -> Bool { OpenAPISchemas.isBlank(text) }

  private static var paths: [String: JSONValue] {
    var paths: [String: [String: JSONValue]] = [:]
    for operation in APIOperation.allCases {
      paths[operation.path, default: [:]][operation.method.lowercased()] = describe(operation)
    }
    return paths.mapValues(JSONValue.object)
  }

  private static func describe(_ operation: APIOperation) -> JSONValue {
    var members: [String: JSONValue] = [
      "operationId": .string(operation.rawValue), "summary": .string(summary(operation)),
      "responses": .object(responses(operation)),
    ]
    if operation.isOpen { members["security"] = [] }
    let parameters =
      operation.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part -> JSONValue in
        let name = String(part.dropFirst().dropLast())
        let schema: JSONValue =
          name == "decision"
          ? ["type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_991]
          : ["type": "string", "minLength": 1, "maxLength": 200]
        return ["name": .string(name), "in": "path", "required": true, "schema": schema]
      } + OpenAPISchemas.query(of: operation)
    if !parameters.isEmpty { members["parameters"] = .array(parameters) }
    if let body = body(operation) {
      members["requestBody"] = [
        "required": true, "content": ["application/json": ["schema": reference(body)]],
      ]
    }
    return .object(members)
  }

  private static func summary(_ operation: APIOperation) -> String {
    switch operation {
    case .listIncidents: "Incidents by filter and order, piece by piece: go on with next as after"
    case .getIncident: "One incident with timeline, places, notes and locks"
    case .getPostMortem: "The post-mortem draft of an incident"
    case .getPlan: "One plan: what would happen, with its digest"
    case .getOutbox: "Messages: those on their way first"
    case .getStorm: "The storm that is held, if there is one"
    case .releaseStorm:
      "Say that the incidents of the storm may start. Signed; stored durably; the worker applies it"
    case .postDecision:
      "Approve, decline, skip, answer, note, acknowledge, assign, close; go on with a run, do a step again, take a run back. Stored durably; the worker applies it"
    case .getDecision: "What became of a decision"
    case .beginSession: "Sign in; the token goes into Authorization: Bearer"
    case .endSession: "Sign out"
    case .getOpenAPI: "This document"
    }
  }

  private static func body(_ operation: APIOperation) -> String? {
    switch operation {
    case .postDecision: "NewDecision"
    case .beginSession: "SignIn"
    case .releaseStorm: "StormRelease"
    case .listIncidents, .getIncident, .getPostMortem, .getPlan, .getOutbox, .getStorm, .getDecision,
      .endSession, .getOpenAPI:
      nil
    }
  }

  private static func responses(_ operation: APIOperation) -> [String: JSONValue] {
    let good: (String, String?) =
      switch operation {
      case .listIncidents: ("200", "Incidents")
      case .getIncident: ("200", "Incident")
      case .getPostMortem: ("200", "PostMortem")
      case .getPlan: ("200", "Plan")
      case .getOutbox: ("200", "Outbox")
      case .getStorm: ("200", "Storm")
      case .releaseStorm: ("201", "StoredDecision")
      case .postDecision: ("201", "StoredDecision")
      case .getDecision: ("200", "Decision")
      case .beginSession: ("201", "Session")
      case .endSession: ("204", nil)
      case .getOpenAPI: ("200", "OpenAPI")
      }
    var responses: [String: JSONValue] = [
      good.0: good.1.map {
        ["description": "Done", "content": ["application/json": ["schema": reference($0)]]]
      }
        ?? ["description": "Done"]
    ]
    for status in problems(operation) {
      responses[status.0] = [
        "description": .string(status.1),
        "content": ["application/problem+json": ["schema": reference("Problem")]],
      ]
    }
    return responses
  }

  private static func problems(_ operation: APIOperation) -> [(String, String)] {
    if operation == .getOpenAPI { return [] }
    var problems = [("503", "Our own fault or load: try again")]
    if !operation.isOpen { problems.append(("401", "Nobody is signed in")) }
    if operation.path.contains("{") {
      problems += [("404", "There is none"), ("400", "The path is malformed")]
    }
    if !operation.queryNames.isEmpty { problems.append(("400", "The query is not what is described")) }
    if operation.method != "GET" { problems.append(("403", "Refused: password, role or origin")) }
    if body(operation) != nil {
      problems += [
        ("400", "The body is not what is described"), ("413", "The body is too large"),
        ("415", "The body is no JSON"),
        ("422", "A member does not fit"), ("429", "Too many tries"),
      ]
    }
    if operation == .listIncidents { problems.append(("409", "The cursor is none of this order")) }
    if operation == .releaseStorm { problems.append(("409", "No storm is held")) }
    if operation == .postDecision {
      problems += [("404", "There is no such incident"), ("409", "The question is another one by now")]
    }
    return problems
  }

  private static func reference(_ name: String) -> JSONValue {
    ["$ref": .string("#/components/schemas/\(name)")]
  }
}
