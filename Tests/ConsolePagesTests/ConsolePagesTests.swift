import BuiltinContent
import Foundation
import JSON
import TestSupport
import Testing

@testable import ConsolePages

@Suite struct ConsolePagesTests {
  private static let now = Date(timeIntervalSince1970: 1_795_000_000)
  private static let board = BoardFixture(now: now)
  private static let viewer = Viewer(
    name: "maria", roles: ["responder"], csrf: "the-token", mayApprove: true, canSignOut: true)
  private static let frame = Frame(viewer: viewer, now: now, version: 7, undelivered: 1)

  private static func pages() throws -> ConsolePages {
    var templates: [String: String] = [:]
    for file in BuiltinContent.console where file.path.hasSuffix(".mustache") {
      templates[String(file.path.dropFirst("templates/console/".count).dropLast(".mustache".count))] =
        file.text
    }
    return try ConsolePages(
      templates: templates,
      assets: .init(stylesheet: "/assets/a.css", script: "/assets/a.js", icon: "/assets/a.svg"))
  }

  private static func incident(_ document: JSONValue, plan: JSONValue? = nil, viewer: Viewer = viewer) throws
    -> String
  {
    try pages().incident(document, plan: plan, in: frame, viewer: viewer)
  }

  /// The list as the board would give it: the fixture's incidents, sorted as they come.
  private static func listing(_ rows: [JSONValue]? = nil) -> IncidentListing {
    IncidentListing(
      rows: rows ?? board.incidents, total: 5, open: 3, contained: 1, closed: 1, alive: 1, asks: 2,
      kinds: ["postgres_uri"], people: ["maria"])
  }

  private static func outbox(_ document: JSONValue) -> ConsolePages.OutboxListing {
    .init(messages: document["messages"]?.array ?? [], undelivered: 1, arrived: 1)
  }

  private static func text(_ html: String) -> String {
    html.replacing(/<[^>]*>/, with: " ").replacing(/\s+/, with: " ")
  }

  @Test func `every template of the directory is used, and every name used has a template`() {
    let files = BuiltinContent.console.map(\.path).filter { $0.hasSuffix(".mustache") }
    #expect(
      files.map { String($0.dropFirst("templates/console/".count).dropLast(9)) }.sorted()
        == ConsolePages.names.sorted())
  }

  @Test func `a missing or broken template is named, with the place`() {
    let assets = ConsolePages.Assets(stylesheet: "", script: "", icon: "")
    #expect(throws: ConsolePagesError.self) { try ConsolePages(templates: [:], assets: assets) }
    var templates = Dictionary(uniqueKeysWithValues: ConsolePages.names.map { ($0, "") })
    templates["plan"] = "\n{{#a}}"
    do {
      _ = try ConsolePages(templates: templates, assets: assets)
      Issue.record("it was accepted")
    } catch {
      #expect(error.template == "plan")
    }
  }

  @Test func `the list shows severity, T+, the credential's state with its last probe, and the next action`()
    throws
  {
    let text = Self.text(try Self.pages().incidents(Self.listing(), in: Self.frame))
    #expect(text.contains("SEV1 T+25 min 07 s amber-heron"))
    #expect(text.contains(/▲ ALIVE probed \d\d:\d\d:\d\dZ \(41 s ago\)/))
    #expect(text.contains("Next action Step disable-old waits for approval"))
    #expect(text.contains("paper-tiger Drill"))
    #expect(text.contains("1 closed"))
  }

  @Test func `what the board does not say is not known, and not that nothing is left and everything arrived`()
    throws
  {
    let silent = Self.text(try Self.incident(["schema": 1, "id": "inc-1", "state": "open"]))
    #expect(silent.contains("Not known: the board does not say it"))
    #expect(silent.contains("Whether every message arrived is not known"))
    let said = Self.text(try Self.incident(["schema": 1, "id": "inc-1", "state": "open", "undelivered": 0]))
    #expect(said.contains("Every message arrived."))
  }

  @Test func `a page of the list says what is chosen, and leads to its neighbours`() throws {
    var listing = Self.listing()
    listing.filter.state = "all"
    listing.filter.text = "a&b <x>"
    (listing.page, listing.pageSize, listing.total) = (2, 5, 10_000)
    let html = try Self.pages().incidents(listing, in: Self.frame)
    #expect(Self.text(html).contains("6–10 of 10,000"))
    #expect(html.contains("rel=\"prev\" href=\"/incidents?q=a%26b%20%3Cx%3E&amp;state=all\""))
    #expect(html.contains("rel=\"next\" href=\"/incidents?q=a%26b%20%3Cx%3E&amp;state=all&amp;page=3\""))
    #expect(html.contains("<option value=\"all\" selected>any</option>"))
    #expect(html.contains("value=\"a&amp;b &lt;x&gt;\""))
    listing.rows = []
    #expect(
      Self.text(try Self.pages().incidents(listing, in: Self.frame)).contains("No incident is like that."))
  }

  @Test func `fifty incidents with everything that a row shows take less than 200 kB`() throws {
    let row = try #require(Self.board.incidents.first?.object).merging([
      "next": ["text": .string(String(repeating: "n", count: 400))],
      "repositories": .array((0..<8).map { _ in .string(String(repeating: "r", count: 400)) }),
      "handle": .string(String(repeating: "h", count: 400)), "places_count": 37,
    ]) { _, new in new }
    let listing = IncidentListing(
      rows: (0..<50).map { _ in .object(row) }, total: 10_000, open: 10_000, contained: 0, closed: 0,
      alive: 0,
      asks: 0)
    #expect(try Self.pages().incidents(listing, in: Self.frame).utf8.count < 200_000)
  }

  @Test func `a row alone is the same as in its page, and the regions around it come by name`() throws {
    let pages = try Self.pages()
    let page = pages.incidents(Self.listing(), in: Self.frame)
    #expect(page.contains(pages.row(Self.board.incidents[0], in: Self.frame)))
    let parts = pages.parts(around: Self.listing(), in: Self.frame)
    #expect(Set(parts.keys) == ["storm", "stale", "tabs", "tally", "none", "pages"])
    for (name, part) in parts { #expect(page.contains(part), "\(name)") }
  }

  @Test func `regions of a page are cut out by their marks`() throws {
    let html = try Self.incident(Self.board.incidents[0], plan: Self.board.plan)
    let parts = ConsolePages.parts(of: html)
    #expect(
      parts.keys.sorted().filter { ["first", "next", "steps", "timeline", "decide"].contains($0) }.count == 5)
    #expect(
      parts.values.allSatisfy { $0.hasPrefix("<") && $0.contains("data-live=") && !$0.contains("<!--") })
  }

  @Test func `a worker that says nothing is told on every page`() throws {
    func html(_ silence: Frame.Silence?) throws -> String {
      let frame = Frame(viewer: Self.viewer, now: Self.now, version: 7, silence: silence)
      return Self.text(try Self.pages().incidents(Self.listing(), in: frame))
    }
    #expect(try html(.lasting(192)).contains("The worker has been silent for 3 min 12 s."))
    #expect(try html(.always).contains("The worker has not worked here yet."))
    #expect(try !html(nil).contains("What you see may be old"))
  }

  @Test func `one incident shows its checklist with place, plan, places, lock and forms`() throws {
    let text = Self.text(try Self.incident(Self.board.incidents[0], plan: Self.board.plan))
    for part in [
      "Checklist 5 of 10", "◌ waiting Disable the old login disable-old", "waits for an approval",
      "· to do Rewrite the history scrub", "Go on with run run-3f7c", "Take the run back", "Whose it is",
      "Destroy disable-old", "will ALTER ROLE orders_a NOLOGIN", "target orders-db",
      "affected whoever still uses orders_a",
      "Cannot be undone", "cannot predict forks that nobody told us of", "shop/orders deploy/compose.yaml:41",
      "held by worker-1", "Approve step disable-old", "Decline step disable-old", "Skip a step",
      "Type orders-db",
      "1 message did not provably arrive", "Checkout still answers from the new pool.",
    ] { #expect(text.contains(part), "\(part)") }
  }

  @Test func `a skipped step says why, and a drill says that it is one`() throws {
    #expect(
      Self.text(try Self.incident(Self.board.incidents[2])).contains(
        "○ skipped scrub history.rewrite the repository is archived; no clone is left"))
    #expect(
      try Self.incident(Self.board.incidents[3]).contains("DRILL. Nothing of this happens to a real system."))
  }

  @Test func `what cannot be undone asks for the target's name, what can does not`() throws {
    let severe = DecisionRequest.approvals(incident: Self.board.incidents[0], plan: Self.board.plan)
    #expect(severe.map(\.confirmation) == ["orders-db"])
    var plan = try #require(Self.board.secondPlan.object)
    plan["steps"] = [
      ["step": "a", "kind": "effect", "certainty": "will", "effect": "reversible", "title": "t"]
    ]
    let mild = DecisionRequest.approvals(incident: Self.board.incidents[1], plan: .object(plan))
    #expect(mild.map(\.confirmation) == [nil])
    #expect(mild.map(\.step) == [nil])
  }

  @Test func `a declined plan asks no more, and says why`() throws {
    var incident = try #require(Self.board.incidents[1].object)
    incident["plan"] = [
      "id": "plan-9xqd", "digest": "77aa", "approved": false, "obstacle": "it was declined (a test key)",
    ]
    #expect(DecisionRequest.approvals(incident: .object(incident), plan: Self.board.secondPlan).isEmpty)
    let text = Self.text(try Self.incident(.object(incident), plan: Self.board.secondPlan))
    #expect(text.contains("will not run: it was declined (a test key)"))
    #expect(!text.contains("Approve the plan"))
  }

  @Test func `repository, handle, exposure, holder of the lock and a failed run stand on top`() throws {
    var incident = try #require(Self.board.incidents[0].object)
    incident["handle"] = "AKIA-1"
    incident["exposure"] = "in public"
    incident["assigned"] = "jonas"
    incident["failed"] = ["step": "disable-old", "reason": "the server is away"]
    let html = try Self.incident(.object(incident), plan: Self.board.plan)
    let text = Self.text(html)
    #expect(
      text.contains(
        "repository shop/orders, shop/orders-legacy leaked AKIA-1 exposure in public assigned to jonas locked by worker-1"
      ))
    #expect(text.contains("✗ The run failed at Disable the old login: the server is away"))
    let order = ["Next action", "Places", "Notes", "Decide", "Checklist", "Timeline"].compactMap {
      html.range(of: ">\($0)")?.lowerBound
    }
    #expect(order.count == 6 && order == order.sorted(), "on a narrow screen they come in this order")
  }

  @Test func `who approved is named by the key, and what a policy allowed is not called a person's word`()
    throws
  {
    var incident = try #require(Self.board.incidents[0].object)
    incident["approvals"] = [
      [
        "at": "2026-11-18T10:00:00.000Z", "plan": "plan-7k2m", "step": nil, "role": "responder",
        "identity": "aa11", "by_policy": false,
      ],
      [
        "at": "2026-11-18T10:01:00.000Z", "plan": "plan-7k2m", "step": "disable-old", "role": "responder",
        "identity": "bb22", "by_policy": false,
      ],
      [
        "at": "2026-11-18T10:02:00.000Z", "plan": "plan-7k2m", "step": nil, "role": "policy",
        "identity": "cc33", "by_policy": true,
      ],
    ]
    let text = Self.text(
      try Self.pages().incident(
        .object(incident), plan: Self.board.plan, in: Self.frame, viewer: Self.viewer,
        people: [.init(name: "maria", roles: ["responder"], fingerprint: "aa11")]))
    #expect(text.contains("maria (responder) plan plan-7k2m"))
    #expect(text.contains("key bb22 (responder) Disable the old login"))
    #expect(text.contains("staunch.yaml allows containing plan plan-7k2m"))
  }

  @Test func `a manual step is asked for with every field, and a title with an expression is none`() throws {
    var incident = try #require(Self.board.incidents[0].object)
    incident["waiting"] = [
      [
        "step": "call[1]", "for": "manual", "title": "Call the owner", "prompt": "Ring twice.\nThen write.",
        "fields": [
          ["name": "told", "type": "timestamp", "example": "2026-11-24T03:09:42Z"],
          ["name": "who", "type": "string", "example": nil],
        ],
      ]
    ]
    let html = try Self.incident(.object(incident), plan: Self.board.plan)
    #expect(
      Self.text(html).contains(
        "By hand: Call the owner Ring twice. Then write. told (timestamp, such as 2026-11-24T03:09:42Z)"))
    #expect(html.contains("name=\"field-told\"") && html.contains("name=\"field-who\""))
    #expect(DecisionRequest.asked("call[1]", of: .object(incident)) == ["told", "who"])
    #expect(DecisionRequest.asked("other", of: .object(incident)) == nil)
    let plan: JSONValue = [
      "steps": [
        ["step": "a", "title": "Rotate ${inputs.credential}"], ["step": "b", "title": "Tell people"],
      ]
    ]
    #expect(StepModel.titles(of: plan) == ["b": "Tell people"])
  }

  @Test func `a page of an incident with long lists stays below 200 kB`() throws {
    var incident = try #require(Self.board.incidents[0].object)
    let text = JSONValue.string(String(repeating: "x", count: 300))
    incident["timeline"] = .array((0..<1000).map { _ in ["at": "2026-11-18T10:00:00.000Z", "text": text] })
    incident["notes"] = .array((0..<1000).map { _ in ["text": text, "role": "responder"] })
    incident["places"] = .array(
      (0..<500).map { ["repository": "shop/orders", "path": text, "line": .integer($0)] })
    incident["places_count"] = 20_000
    incident["steps"] = .array(
      (0..<1000).map { ["step": .string("s\($0)"), "state": "done", "action": "x.y"] })
    var plan = try #require(Self.board.plan.object)
    plan["steps"] = .array(
      (0..<1000).map { ["step": .string("s\($0)"), "kind": "effect", "title": "t", "plan": ["will": text]] })
    let html = try Self.incident(.object(incident), plan: .object(plan))
    #expect(html.utf8.count < 200_000, "\(html.utf8.count)")
    #expect(html.contains("900 earlier events") && html.contains("and 19950 more"))
  }

  @Test func `an old plan, and an incident that is closed, ask for nothing`() {
    #expect(DecisionRequest.approvals(incident: Self.board.incidents[0], plan: Self.board.secondPlan).isEmpty)
    #expect(DecisionRequest.approvals(incident: Self.board.incidents[4], plan: Self.board.plan).isEmpty)
  }

  @Test func `whoever may not approve sees no form that asks for a password`() throws {
    let guest = Viewer(name: "guest", roles: [], csrf: "t", mayApprove: false, canSignOut: false)
    let html = try Self.incident(Self.board.incidents[0], plan: Self.board.plan, viewer: guest)
    #expect(!html.contains("type=\"password\""))
    #expect(html.contains("To approve, sign in with your own password."))
  }

  @Test func `every unsafe form carries the session's token`() throws {
    let html = try Self.incident(Self.board.incidents[0], plan: Self.board.plan)
    let forms = html.matches(of: /<form[^>]*method="post"[^>]*>(.*?)<\/form>/.dotMatchesNewlines())
    #expect(forms.count == 9)
    for form in forms { #expect(form.output.1.contains("name=\"csrf\" value=\"the-token\"")) }
  }

  @Test(arguments: [
    "<script>x</script>", "\"><img src=x>", "' onload='x", "{{csrf}}", "&amp;", "a\u{202E}b", "a\u{0}b",
    "a\u{1B}[31mb",
    "a\u{200B}b",
  ])
  func `hostile text stays text wherever it comes from`(_ hostile: String) throws {
    func poison(_ value: JSONValue) -> JSONValue {
      switch value {
      case .string(let text) where Int(text.prefix(4)) == nil && text.count > 4: .string(hostile + text)
      case .array(let elements): .array(elements.map(poison))
      case .object(let members):
        .object(
          members.merging(
            members.filter { !["state", "severity", "subject", "for", "effect"].contains($0.key) }.mapValues(
              poison)
          ) { $1 })
      default: value
      }
    }
    let pages = try Self.pages()
    let html =
      try Self.incident(poison(Self.board.incidents[0]), plan: poison(Self.board.plan))
      + pages.incidents(Self.listing(Self.board.incidents.map(poison)), in: Self.frame)
      + pages.outbox(Self.outbox(poison(Self.board.outbox)), in: Self.frame)
      + pages.postMortem(
        poison(Self.board.postMortem), incident: poison(Self.board.incidents[2]), in: Self.frame)
    for bad in ["<script>x", "\"><img", "' onload='x", "\u{202E}", "\u{0}", "\u{1B}", "\u{200B}"] {
      #expect(!html.contains(bad), "\(bad)")
    }
  }

  @Test func `an instant of another day shows its date, one to come says so`() {
    #expect(Moment(Self.now.addingTimeInterval(-41), now: Self.now).ago == "41 s ago")
    #expect(Moment(Self.now.addingTimeInterval(90), now: Self.now).ago == "in 1 min 30 s")
    #expect(Moment(Self.now.addingTimeInterval(-200_000), now: Self.now).clock.count == 20)
    #expect(Moment("nonsense", now: Self.now) == nil)
  }

  @Test func `the pages load nothing from elsewhere and hold no inline script or style`() throws {
    let html = try Self.incident(Self.board.incidents[0], plan: Self.board.plan)
    #expect(!html.contains("style=\"") && !html.contains("<style") && !html.contains("<script>"))
    #expect(html.matches(of: /(?:src|href)="(?:https?:)?\/\//).isEmpty)
    #expect(html.matches(of: /\son[a-z]+="/).isEmpty)
  }
}

@Suite struct OpenAPITests {
  @Test func `every operation is described once, with its method`() throws {
    let paths = try #require(OpenAPI.document["paths"]?.object)
    var described: Set<String> = []
    for (path, item) in paths {
      for method in (item.object ?? [:]).keys { described.insert("\(method.uppercased()) \(path)") }
    }
    #expect(described == Set(APIOperation.allCases.map { "\($0.method) \($0.path)" }))
  }

  @Test func `every reference leads to a schema`() throws {
    let text = OpenAPI.document.canonicalText
    let schemas = try #require(OpenAPI.document["components"]?["schemas"]?.object)
    for match in text.matches(of: /#\/components\/schemas\/([A-Za-z]+)/) {
      #expect(schemas[String(match.output.1)] != nil, "\(match.output.1)")
    }
  }

  @Test func `a path finds its operations and parameters`() {
    #expect(APIOperation.at(["incidents", "a b"]).parameters == ["a b"])
    #expect(APIOperation.at(["incidents", "x"]).operations == [.getIncident])
    #expect(APIOperation.at(["session"]).operations == [.beginSession, .endSession])
    #expect(APIOperation.at(["nothing"]).operations.isEmpty)
  }
}
