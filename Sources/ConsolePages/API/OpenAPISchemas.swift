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
        "reason": words, "role": name,
        "password": password,
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
        "name": ["type": "string", "minLength": 1, "maxLength": 64, "pattern": characters],
        "password": password,
      ]),
    "NewDecision": closed(
      ["kind"],
      [
        "kind": [
          "enum": [
            "approve", "decline", "skip", "note", "acknowledge", "answer", "resume", "retry", "abort",
            "close",
            "assign",
          ]
        ],
        // Of a manual step, what it asks for by name.
        "fields": [
          "type": "object", "propertyNames": ["pattern": characters],
          "additionalProperties": ["type": "string", "maxLength": 4000, "pattern": characters],
        ],
        "incident": name, "plan": name, "digest": name, "step": name, "role": name, "confirm": name,
        "text": words, "password": password,
      ], anyOf: decisionsByKind),
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
    default: ["type": "string", "maxLength": 200, "pattern": characters]  // words to look for
    }
  }

  private static let text: JSONValue = ["type": "string"]
  private static let name: JSONValue = [
    "type": "string", "minLength": 1, "maxLength": 200, "pattern": characters,
  ]
  private static let password: JSONValue = ["type": "string", "maxLength": 1024, "pattern": characters]
  /// Every character but U+0000, which no text of ours may hold.
  private static let characters: JSONValue = "^[^\\u0000]*$"
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

  /// Something is said: not only blanks, control characters and what nobody sees. The server's own look is ``isBlank(_:)``.
  private static let words: JSONValue = [
    "type": "string", "minLength": 1, "maxLength": 4000,
    "pattern":
      "^[^\\u0000]*[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff][^\\u0000]*$",
  ]

  /// Whether a text has no character that the pattern of ``words`` asks for.
  static func isBlank(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0...0x20, 0x7F...0xA0, 0x1680, 0x2000...0x200F, 0x2028...0x202F, 0x205F...0x206F, 0x3000, 0xFEFF:
        true
      default: false
      }
    }
  }

  /// What each kind of decision needs; what it waits for is another question (409).
  private static let decisionsByKind: [JSONValue] = [
    ["properties": ["kind": ["enum": ["note", "skip", "close"]]], "required": ["text"]],
    ["properties": ["kind": ["enum": ["assign"]]], "required": ["incident"]],
    [
      "properties": [
        "kind": ["enum": ["approve", "decline", "acknowledge", "answer", "resume", "retry", "abort"]]
      ]
    ],
  ]

  private static func closed(
    _ required: [JSONValue], _ properties: [String: JSONValue], anyOf: [JSONValue] = []
  ) -> JSONValue {
    var schema: [String: JSONValue] = [
      "type": "object", "required": .array(required), "properties": .object(properties),
      "additionalProperties": false,
    ]
    if !anyOf.isEmpty { schema["anyOf"] = .array(anyOf) }
    return .object(schema)
  }
}
