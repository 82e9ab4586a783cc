import ConsolePages
import HTTPTypes
import Inbox
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Server

/// The document of the JSON API against the console itself: every operation is called so that every status it describes comes, and
/// what comes fits the schema that it names.
@Suite(.timeLimit(.minutes(3))) struct OpenAPIConformanceTests {
  private typealias Call = @Sendable (ConsoleCaller) async throws -> ConsoleCaller.Answer

  /// `operation status`, for example `getPlan 404`.
  private static var described: Set<String> {
    var pairs: Set<String> = []
    for operation in APIOperation.allCases {
      for status in (responses(operation)?.object ?? [:]).keys {
        pairs.insert("\(operation.rawValue) \(status)")
      }
    }
    return pairs
  }

  private static func responses(_ operation: APIOperation) -> JSONValue? {
    OpenAPI.document["paths"]?[operation.path]?[operation.method.lowercased()]?["responses"]
  }

  // MARK: Calls

  private static func token(_ console: ConsoleCaller) async throws -> String {
    let answer = try await call(
      console, .beginSession, body: ["name": "maria", "password": .string(ConsoleCaller.password)], token: nil
    )
    return answer.json["token"]?.string ?? ""
  }

  private static func call(
    _ console: ConsoleCaller, _ operation: APIOperation, _ parameter: String = "", query: String = "",
    body: JSONValue? = nil, text: String? = nil, token: String?, headers extra: [String: String] = [:]
  ) async throws -> ConsoleCaller.Answer {
    let path = operation.path.replacing(/\{[a-z]+\}/, with: parameter) + query
    var headers = extra
    if let token { headers["Authorization"] = "Bearer " + token }
    if body != nil || text != nil, headers["Content-Type"] == nil {
      headers["Content-Type"] = "application/json"
    }
    return try await console.call(
      HTTPRequest.Method(rawValue: operation.method) ?? .get, "/api/v1" + path,
      body: text ?? body?.canonicalText, headers: headers)
  }

  /// As maria.
  private static func signedIn(
    _ operation: APIOperation, _ parameter: String = "", query: String = "", body: JSONValue? = nil,
    text: String? = nil, headers: [String: String] = [:]
  ) -> Call {
    { console in
      try await call(
        console, operation, parameter, query: query, body: body, text: text, token: try await token(console),
        headers: headers)
    }
  }

  private static func stranger(_ operation: APIOperation, _ parameter: String = "x", body: JSONValue? = nil)
    -> Call
  {
    { try await call($0, operation, parameter, body: body, token: nil) }
  }

  /// The exchange file is gone.
  private static func broken(
    _ operation: APIOperation, _ parameter: String = "inc-4t8a", body: JSONValue? = nil
  )
    -> Call
  {
    { console in
      let token = try await token(console)
      try console.inbox.close()
      return try await call(console, operation, parameter, body: body, token: token)
    }
  }

  private static let note: JSONValue = ["kind": "note", "incident": "inc-4t8a", "text": "seen"]
  private static let large = String(repeating: "x", count: (64 << 10) + 1)
  private static let wrong: JSONValue = ["name": "maria", "password": "wrong password 1"]
  private static func approval(_ password: String, digest: String = BoardFixture.planDigest) -> JSONValue {
    [
      "kind": "approve", "incident": "inc-4t8a", "plan": "plan-7k2m", "digest": .string(digest),
      "step": "disable-old", "role": "responder", "confirm": "orders-db", "password": .string(password),
    ]
  }

  private static let reads: [(APIOperation, good: String)] = [
    (.getIncident, "inc-4t8a"), (.getPostMortem, "inc-2c9v"), (.getPlan, "plan-7k2m"),
  ]

  private static var calls: [String: Call] {
    var calls: [String: Call] = [
      "listIncidents 200": signedIn(.listIncidents), "listIncidents 401": stranger(.listIncidents),
      "listIncidents 400": signedIn(.listIncidents, query: "?limit=201"),
      "listIncidents 409": signedIn(.listIncidents, query: "?after=WyJ1cmdlbmN5Il0"),
      "listIncidents 503": broken(.listIncidents), "getOutbox 400": signedIn(.getOutbox, query: "?x=1"),
      "getStorm 200": signedIn(.getStorm), "getStorm 401": stranger(.getStorm),
      "getStorm 503": broken(.getStorm),
      "getOutbox 200": signedIn(.getOutbox),
      "getOutbox 401": stranger(.getOutbox), "getOutbox 503": broken(.getOutbox),
      "getOpenAPI 200": stranger(.getOpenAPI),
    ]
    for (operation, good) in reads {
      calls["\(operation.rawValue) 200"] = signedIn(operation, good)
      calls["\(operation.rawValue) 400"] = signedIn(operation, "%00")
      calls["\(operation.rawValue) 401"] = stranger(operation)
      calls["\(operation.rawValue) 404"] = signedIn(operation, "none")
      calls["\(operation.rawValue) 503"] = broken(operation)
    }
    calls.merge(decisionCalls) { one, _ in one }
    calls.merge(sessionCalls) { one, _ in one }
    calls.merge(stormCalls) { one, _ in one }
    return calls
  }

  private static var decisionCalls: [String: Call] {
    [
      "postDecision 201": signedIn(.postDecision, body: note),
      "postDecision 400": signedIn(.postDecision, text: "{"),
      "postDecision 401": stranger(.postDecision, body: note),
      "postDecision 403": signedIn(.postDecision, body: approval("wrong password 1")),
      "postDecision 404": signedIn(.postDecision, body: ["kind": "note", "incident": "none", "text": "x"]),
      "postDecision 409": signedIn(.postDecision, body: approval(ConsoleCaller.password, digest: "0000")),
      "postDecision 413": signedIn(.postDecision, text: large),
      "postDecision 415": signedIn(.postDecision, body: note, headers: ["Content-Type": "text/plain"]),
      "postDecision 422": signedIn(.postDecision, body: ["kind": "destroy"]),
      "postDecision 429": { console in
        let token = try await token(console)
        var answer = try await call(console, .postDecision, body: approval("wrong password 1"), token: token)
        for _ in 0..<10 {
          answer = try await call(console, .postDecision, body: approval("wrong password 1"), token: token)
        }
        return answer
      },
      "postDecision 503": broken(.postDecision, body: note),
      "getDecision 200": { console in
        let token = try await token(console)
        let stored = try await call(console, .postDecision, body: note, token: token)
        return try await call(
          console, .getDecision, "\(stored.json["decision"]?.integer ?? 0)", token: token)
      },
      "getDecision 400": signedIn(.getDecision, "zero"), "getDecision 401": stranger(.getDecision, "1"),
      "getDecision 404": signedIn(.getDecision, "77"), "getDecision 503": broken(.getDecision, "1"),
    ]
  }

  private static func release(_ password: String = ConsoleCaller.password) -> JSONValue {
    ["reason": "a scanner's new rule", "password": .string(password)]
  }

  /// While a storm is held.
  private static func inStorm(_ call: @escaping Call) -> Call {
    { console in
      try console.inbox.publish([BoardFixture(now: ConsoleCaller.start).storm])
      return try await call(console)
    }
  }

  private static var stormCalls: [String: Call] {
    [
      "releaseStorm 201": inStorm(signedIn(.releaseStorm, body: release())),
      "releaseStorm 400": signedIn(.releaseStorm, text: "{"),
      "releaseStorm 401": stranger(.releaseStorm, body: release()),
      "releaseStorm 403": inStorm(signedIn(.releaseStorm, body: release("wrong password 1"))),
      "releaseStorm 409": signedIn(.releaseStorm, body: release()),
      "releaseStorm 413": signedIn(.releaseStorm, text: large),
      "releaseStorm 415": signedIn(.releaseStorm, body: release(), headers: ["Content-Type": "text/plain"]),
      "releaseStorm 422": inStorm(signedIn(.releaseStorm, body: ["reason": " ", "password": "x"])),
      "releaseStorm 429": inStorm { console in
        let token = try await token(console)
        var answer = try await call(console, .releaseStorm, body: release("wrong password 1"), token: token)
        for _ in 0..<10 {
          answer = try await call(console, .releaseStorm, body: release("wrong password 1"), token: token)
        }
        return answer
      },
      "releaseStorm 503": broken(.releaseStorm, body: release()),
    ]
  }

  private static var sessionCalls: [String: Call] {
    let good: JSONValue = ["name": "maria", "password": .string(ConsoleCaller.password)]
    return [
      "beginSession 201": stranger(.beginSession, body: good),
      "beginSession 400": { try await call($0, .beginSession, text: "[]", token: nil) },
      "beginSession 403": stranger(.beginSession, body: wrong),
      "beginSession 413": { try await call($0, .beginSession, text: large, token: nil) },
      "beginSession 415": {
        try await call($0, .beginSession, body: good, token: nil, headers: ["Content-Type": "text/plain"])
      },
      "beginSession 422": stranger(.beginSession, body: ["name": 7, "password": "x"]),
      "beginSession 429": { console in
        for _ in 0..<10 { _ = try await call(console, .beginSession, body: wrong, token: nil) }
        return try await call(console, .beginSession, body: wrong, token: nil)
      },
      "beginSession 503": { console in
        console.isPeopleFileBroken.withLock { $0 = true }
        return try await call(console, .beginSession, body: good, token: nil)
      },
      "endSession 204": signedIn(.endSession), "endSession 401": stranger(.endSession),
      "endSession 403": { console in
        // A cookie alone: another site's request would carry it too.
        let session = try #require(try await console.signIn())
        return try await call(console, .endSession, token: nil, headers: ["Cookie": session.cookie])
      },
      "endSession 503": { console in
        let token = try await token(console)
        console.isPeopleFileBroken.withLock { $0 = true }
        return try await call(console, .endSession, token: token)
      },
    ]
  }

  // MARK: Tests

  @Test func `sixty decisions of a person at once are enough`() async throws {
    let console = try ConsoleCaller()
    let token = try await Self.token(console)
    for _ in 0..<60 {
      #expect(try await Self.call(console, .postDecision, body: Self.note, token: token).status == 201)
    }
    #expect(try await Self.call(console, .postDecision, body: Self.note, token: token).status == 429)
    console.pass(2)
    #expect(try await Self.call(console, .postDecision, body: Self.note, token: token).status == 201)
  }

  @Test func `every status of every operation has a call, and no call is of one that is not described`() {
    #expect(Set(Self.calls.keys).subtracting(Self.described).isEmpty)
    #expect(Self.described.subtracting(Self.calls.keys).isEmpty)
  }

  @Test(arguments: described.sorted())
  func `an answer has the described status, type and shape`(_ name: String) async throws {
    let call = try #require(Self.calls[name])
    let words = name.split(separator: " ").map(String.init)
    let operation = try #require(APIOperation(rawValue: words[0]))
    let answer = try await call(try ConsoleCaller())
    #expect(String(answer.status) == words[1], "\(answer.body)")
    let response = try #require(Self.responses(operation)?[words[1]])
    guard let content = response["content"]?.object else {
      #expect(answer.body.isEmpty)
      return
    }
    let (type, media) = try #require(content.first)
    #expect(content.count == 1)
    #expect(answer.header("Content-Type") == type)
    let schemas = try #require(OpenAPI.document["components"]?["schemas"]?.object)
    let schema = try #require(media["schema"])
    #expect(JSONSchema(schemas: schemas).violations(of: answer.json, against: schema) == [])
  }

  @Test func `a walk over the list meets every incident once, and a filter chooses`() async throws {
    let console = try ConsoleCaller()
    let token = try await Self.token(console)
    var met: [String] = []
    var query = "?limit=2"
    while true {
      let answer = try await Self.call(console, .listIncidents, query: query, token: token)
      #expect(answer.json["total"] == 5)
      met += (answer.json["incidents"]?.array ?? []).compactMap { $0["id"]?.string }
      guard let next = answer.json["next"]?.string else { break }
      query = "?limit=2&after=" + next
    }
    #expect(met == ["inc-4t8a", "inc-9xqd", "inc-d001", "inc-2c9v", "inc-0001"])
    for (query, ids) in [
      ("?state=closed", ["inc-0001"]), ("?severity=sev1", ["inc-4t8a"]), ("?alive=true", ["inc-4t8a"]),
      ("?q=amber%20heron", ["inc-4t8a"]), ("?kind=github_pat", ["inc-d001"]), ("?assigned=nobody", []),
      ("?sort=name&limit=1", ["inc-4t8a"]),
    ] {
      let answer = try await Self.call(console, .listIncidents, query: query, token: token)
      #expect((answer.json["incidents"]?.array ?? []).compactMap { $0["id"]?.string } == ids, "\(query)")
    }
    for query in [
      "?limit=0", "?limit=+1", "?alive=yes", "?state=x", "?after=%20", "?q=a&q=b",
    ] {
      #expect(
        try await Self.call(console, .listIncidents, query: query, token: token).status == 400, "\(query)")
    }
    let other = "?sort=name&after=WyJ1cmdlbmN5IiwwLDEsMSwiYSJd"
    #expect(try await Self.call(console, .listIncidents, query: other, token: token).status == 409)
  }

  @Test func `a text of blanks alone, and one that is too long, fits no member`() async throws {
    let console = try ConsoleCaller()
    let token = try await Self.token(console)
    for body: JSONValue in [
      ["kind": "note", "text": " \u{2003}\u{FEFF}\n"], ["kind": "note"], ["kind": "assign", "text": "maria"],
      ["kind": "note", "text": "x", "step": .string(String(repeating: "s", count: 201))],
      ["kind": "answer", "fields": ["a": 1]], ["kind": "answer", "fields": "a"], ["kind": "note", "text": 7],
    ] {
      let answer = try await Self.call(console, .postDecision, body: body, token: token)
      #expect(answer.status == 422, "\(body.canonicalText)")
    }
    #expect(try console.pending().isEmpty)
  }

  @Test func `the check of shapes finds what does not fit`() throws {
    let schemas = try #require(OpenAPI.document["components"]?["schemas"]?.object)
    let check = JSONSchema(schemas: schemas)
    func count(_ name: String, _ value: JSONValue) -> Int {
      check.violations(of: value, against: ["$ref": .string("#/components/schemas/\(name)")]).count
    }
    #expect(count("StoredDecision", ["schema": 1, "decision": 1]) == 0)
    #expect(count("StoredDecision", ["schema": 2, "decision": 0]) == 2)
    #expect(count("SignIn", ["name": "", "password": "x", "more": 1]) == 2)
    #expect(count("Session", ["schema": 1, "token": 7, "expires": "soon"]) == 2)
    #expect(count("Incidents", ["schema": 1, "incidents": [["id": "x"]]]) > 5)
    #expect(check.violations(of: 1, against: ["multipleOf": 2]).count == 1)
  }
}
