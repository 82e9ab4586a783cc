import JSON

/// The shapes of the API. Documents of the worker may gain members, so they stay open; what clients send is closed.
enum OpenAPISchemas {
  static let all: [String: JSONValue] = [
    "Incident": document(
      [
        "id", "codename", "kind", "severity", "state", "drill", "detected", "credentials", "steps", "waiting",
        "next",
      ],
      [
        "id": text, "codename": text, "kind": text, "severity": ["enum": ["sev1", "sev2", "sev3", "sev4"]],
        "state": ["enum": ["open", "contained", "closed"]], "drill": ["type": "boolean"], "detected": instant,
        "since_detection_ms": ["type": "integer"], "credentials": list(credential),
        "contained": ["type": "boolean"], "unproven_values": ["type": "integer"], "steps": list(anything),
        "waiting": list(anything), "next": anything, "timeline": list(anything),
        // The first 500 of them.
        "places": list(["type": ["object", "string"]]),
        "places_count": ["type": "integer"],
        "notes": list(anything), "locks": list(anything), "undelivered": ["type": "integer"],
      ]),
    // A row of the list: without steps, timeline, places and notes; of lists within it the first eight.
    "IncidentSummary": document(
      ["id", "codename", "kind", "severity", "state", "drill", "detected", "credentials", "waiting", "next"],
      [
        "id": text, "codename": text, "kind": text, "severity": ["enum": ["sev1", "sev2", "sev3", "sev4"]],
        "state": ["enum": ["open", "contained", "closed"]], "drill": ["type": "boolean"], "detected": instant,
        "credentials": list(credential), "waiting": list(anything), "next": anything,
        "places_count": ["type": "integer"], "repositories": list(text), "undelivered": ["type": "integer"],
        "progress": document(
          ["finished", "steps"], ["finished": ["type": "integer"], "steps": ["type": "integer"]]),
      ]),
    "Incidents": document(
      ["schema", "incidents", "total", "next"],
      [
        "schema": one, "incidents": list(reference("IncidentSummary")),
        // How many the filters choose.
        "total": ["type": "integer", "minimum": 0],
        // Goes into `after`; null at the end.
        "next": ["type": ["string", "null"]],
      ]),
    "Storm": document(
      ["schema", "held"],
      ["schema": one, "held": ["type": "boolean"], "storm": ["type": ["object", "null"]]]),
    "StormRelease": closed(
      ["reason", "password"],
      [
        "reason": ["type": "string", "minLength": 1, "maxLength": 4000], "role": name,
        "password": ["type": "string", "maxLength": 1024],
      ]),
    "Plan": document(
      ["id", "digest", "playbook", "steps"],
      ["id": text, "digest": text, "playbook": text, "steps": list(anything), "created": instant]),
    "Outbox": document(
      ["schema", "messages", "total"],
      ["schema": one, "messages": list(anything), "total": ["type": "integer", "minimum": 0]]),
    "PostMortem": document(["markdown"], ["markdown": text, "html": text]),
    "OpenAPI": document(["openapi", "paths"], ["openapi": text, "paths": anything]),
    "StoredDecision": document(["schema", "decision"], ["schema": one, "decision": number]),
    "Decision": document(
      ["schema", "decision", "applied", "outcome"],
      [
        "schema": one, "decision": number, "applied": ["type": "boolean"],
        "outcome": ["type": ["string", "null"]],
      ]),
    "Session": document(
      ["schema", "token", "expires"], ["schema": one, "token": text, "expires": instant]),
    "Problem": document(
      ["type", "title", "status"],
      ["type": text, "title": text, "status": ["type": "integer"], "detail": text]),
    "SignIn": closed(
      ["name", "password"],
      [
        "name": ["type": "string", "minLength": 1, "maxLength": 64],
        "password": ["type": "string", "maxLength": 1024],
      ]),
    "NewDecision": closed(
      ["kind"],
      [
        "kind": ["enum": ["approve", "decline", "skip", "note", "acknowledge", "answer"]],
        "incident": name, "plan": name, "digest": name, "step": name, "role": name, "confirm": name,
        "text": ["type": "string", "maxLength": 4000], "password": ["type": "string", "maxLength": 1024],
      ]),
  ]

  /// What an operation takes in the query. Source: OpenAPI 3.1 §4.8.12.
  static func query(of operation: APIOperation) -> [JSONValue] {
    operation.queryNames.map { name in
      ["name": .string(name), "in": "query", "required": false, "schema": parameter(name)]
    }
  }

  private static func parameter(_ name: String) -> JSONValue {
    switch name {
    case "alive", "asks", "undelivered": ["type": "boolean"]
    case "limit": ["type": "integer", "minimum": 1, "maximum": 200]
    case "offset": ["type": "integer", "minimum": 0, "maximum": 1_000_000_000]
    case "severity": ["enum": ["sev1", "sev2", "sev3", "sev4"]]
    case "state": ["enum": ["open", "contained", "closed"]]
    case "sort": ["enum": ["urgency", "newest", "changed", "name"]]
    // What `next` of the piece before said, of the same order.
    case "after": ["type": "string", "pattern": "^[A-Za-z0-9_-]{1,2000}$"]
    default: ["type": "string", "maxLength": 200]  // words to look for
    }
  }

  private static let text: JSONValue = ["type": "string"]
  private static let name: JSONValue = ["type": "string", "minLength": 1, "maxLength": 200]
  private static let number: JSONValue = ["type": "integer", "minimum": 1]
  private static let one: JSONValue = ["const": 1]
  private static let instant: JSONValue = ["type": "string", "format": "date-time"]
  private static let anything: JSONValue = ["type": "object"]
  private static let credential = document(
    ["id", "subject", "state"],
    [
      "id": text, "subject": ["enum": ["leaked", "replacement"]],
      "state": ["enum": ["alive", "dead", "unknown"]],
      "probed": ["type": ["string", "null"]], "code": ["type": ["string", "null"]],
      "proven": ["type": ["string", "null"]], "value": ["type": ["integer", "null"]],
    ])

  private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }
  private static func reference(_ name: String) -> JSONValue {
    ["$ref": .string("#/components/schemas/\(name)")]
  }

  private static func document(_ required: [JSONValue], _ properties: [String: JSONValue]) -> JSONValue {
    ["type": "object", "required": .array(required), "properties": .object(properties)]
  }

  private static func closed(_ required: [JSONValue], _ properties: [String: JSONValue]) -> JSONValue {
    [
      "type": "object", "required": .array(required), "properties": .object(properties),
      "additionalProperties": false,
    ]
  }
}
