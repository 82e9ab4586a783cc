import Capabilities
import Incidents
import PlaybookTools
import Playbooks
import TestSupport
import Testing

@Suite struct LoadingTests {
  @Test func `A playbook with every step key loads`() throws {
    let playbook = try Samples.load(Samples.complete)
    #expect(
      playbook.allSteps.map(\.id.rawValue) == [
        "triage", "triage.alive", "triage.facts", "triage.abuse", "ticket", "contain_first", "go",
        "replacement",
        "rollout", "prove_dead", "history", "history.tell", "leftovers", "postmortem",
      ])
    #expect(playbook.deadline == .seconds(4 * 3600))
  }

  @Test func `Defaults hold for steps that say nothing, and a step overrides part of them`() throws {
    let playbook = try Samples.load(
      """
      playbook: 1
      id: sample
      title: A sample
      defaults: {timeout: 7s, retry: {attempts: 2, delay: 3s}}
      steps:
        - {id: a, uses: consumer.health, with: {consumer: web}}
        - {id: b, uses: consumer.health, with: {consumer: web}, timeout: 1m, retry: {attempts: 9, on: [network]}}
      """)
    let first = try #require(playbook.steps[0].action)
    let second = try #require(playbook.steps[1].action)
    #expect(first.timeout == .seconds(7))
    #expect(first.retry.attempts == 2)
    #expect(first.retry.classes == [.network, .rateLimit, .serverError])
    #expect(second.timeout == .seconds(60))
    #expect(second.retry.attempts == 9)
    #expect(second.retry.delay == .seconds(3))
    #expect(second.retry.classes == [.network])
  }

  @Test func `Lists of secrets in brackets are one list, and an empty one adds nothing`() throws {
    let playbook = try Samples.load(
      """
      playbook: 1
      id: sample
      title: A sample
      inputs:
        leaked: {type: list<secret>}
        one: {type: secret}
        more: {type: list<secret>, default: []}
      steps:
        - {id: a, uses: history.scan, with: {repository: r, secrets: ["${{ inputs.leaked }}", "${{ inputs.one }}", "${{ inputs.more }}"]}}
      """)
    let call = try #require(playbook.steps[0].action).call
    var scope = Scope()
    scope.inputs = ["leaked": .list([.secret("a"), .secret("b")]), "one": .secret("c"), "more": .list([])]
    #expect(
      try call.inputs(in: scope)["secrets"] == .list([.secret("a"), .secret("b"), .secret("c")]))
    #expect(Value.list([.string("a")]).coerced(to: .list(.secret)) == nil)
    #expect(
      Value.list([.unknown, .secret("a")]).coerced(to: .list(.secret)) == .list([.unknown, .secret("a")]))
  }

  @Test func `Literals become values of the declared type`() throws {
    let playbook = try Samples.load(
      """
      playbook: 1
      id: sample
      title: A sample
      steps:
        - {id: a, uses: abuse.search, with: {credential: db, since: "2026-11-24T03:00:00Z"}}
        - {id: b, uses: http.request, with: {method: GET, url: "https://h/x", statuses: [200, 404], body: {no: no, n: 0x10}}}
      """)
    let first = try #require(playbook.steps[0].action).call.inputs(in: Scope())
    #expect(first["credential"] == .credential("db"))
    #expect(first["since"]?.text == "2026-11-24T03:00:00.000Z")
    let second = try #require(playbook.steps[1].action).call.inputs(in: Scope())
    #expect(second["statuses"] == .list([.integer(200), .integer(404)]))
    #expect(second["body"] == .record(["no": .string("no"), "n": .integer(16)]))
    #expect(second["url"] == .url("https://h/x"))
  }

  @Test func `A whole expression keeps its type, text around it makes text`() throws {
    let playbook = try Samples.load(
      Samples.playbook(
        steps: """
              - {id: a, uses: ticket.open, with: {tracker: "${{ inputs.t }}", title: "${{ inputs.i.codename }}: $${{ ${{ inputs.n }} times"}}
          """))
    let call = try #require(playbook.steps[0].action).call
    let scope = Scope(
      inputs: ["t": .tracker("jira"), "i": .incident("inc-1"), "n": .integer(3)], attributes: Codenames())
    #expect(
      try call.inputs(in: scope) == [
        "tracker": .tracker("jira"), "title": .string("amber-otter: ${{ 3 times"),
      ])
    #expect(try call.inputs(in: Scope(inputs: ["t": .tracker("jira")]))["title"] == .unknown)
  }

  private struct Codenames: AttributeSource {
    func attribute(_ name: String, of target: Value) -> Value? {
      name == "codename" ? .string("amber-otter") : nil
    }
  }

  @Test func `An input that turns out null is refused when it is required and left out when it is not`()
    throws
  {
    let playbook = try Samples.load(
      Samples.playbook(
        steps: """
              - {id: a, uses: credential.inspect, with: {credential: "${{ inputs.c }}", secret: "${{ inputs.leaked }}"}}
              - {id: b, uses: credential.disable, with: {credential: "${{ inputs.c }}", secret: "${{ inputs.leaked }}", ref: "${{ steps.a.ref }}"}}
              - {id: d, uses: credential.delete, with: {credential: "${{ inputs.c }}", ref: "${{ steps.a.ref }}"}}
          """))
    var scope = Scope(inputs: ["c": .credential("db"), "leaked": .secret("l")])
    scope.steps["a"] = StepResult(.failed)
    let optional = try #require(playbook.steps[1].action).call.inputs(in: scope)
    #expect(optional == ["credential": .credential("db"), "secret": .list([.secret("l")])])
    let required = try #require(playbook.steps[2].action).call
    let error = #expect(throws: EvaluationError.self) { try required.inputs(in: scope) }
    #expect(
      error?.description
        == "p.yaml:10:21: credential.delete: the input \"ref\" is null; fix: give it a value, or skip the step with when:"
    )
  }

  @Test func `A sub-playbook is part of the run: its ids are prefixed, its file is pinned`() throws {
    let inner = """
      playbook: 1
      id: contain
      title: Contain
      inputs: {c: {type: credential}, s: {type: secret}, why: {type: string, default: leak}}
      steps:
        - {id: dead, uses: credential.verify, with: {credential: "${{ inputs.c }}", secret: "${{ inputs.s }}"}}
        - {id: tell, when: steps.dead.state == 'dead', manual: "${{ inputs.why }}"}
      """
    let library = PlaybookLibrary(builtin: [PlaybookLibrary.File(name: "contain.yaml", text: inner)])
    let outer = Samples.playbook(
      steps: """
            - {id: first, playbook: contain, with: {c: "${{ inputs.c }}", s: "${{ inputs.leaked }}"}}
            - {id: then, when: steps.first.dead.state == 'alive', manual: Go on}
        """)
    let playbook = try Samples.load(outer, includes: library)
    #expect(playbook.allSteps.map(\.id.rawValue) == ["first", "first.dead", "first.tell", "then"])
    #expect(
      playbook.pins.map(\.id.rawValue) == ["contain", "sample"]
        && playbook.pins[0].sha256 == Playbook.digest(of: inner))
    guard case .playbook(let sub) = playbook.steps[0].kind else {
      Issue.record("no sub-playbook")
      return
    }
    let scope = try sub.scope(in: Scope(inputs: ["c": .credential("db"), "leaked": .secret("l")]))
    #expect(scope.inputs == ["c": .credential("db"), "s": .secret("l"), "why": .string("leak")])
  }

  @Test func `A changed, missing or circular sub-playbook is refused`() {
    let inner = "playbook: 1\nid: inner\ntitle: I\nsteps: [{id: a, playbook: sample}]"
    let library = PlaybookLibrary(builtin: [PlaybookLibrary.File(name: "inner.yaml", text: inner)])
    let pin = String(repeating: "0", count: 64)
    #expect(
      Samples.complaints(
        Samples.playbook(steps: "    - {id: a, playbook: {id: inner, sha256: \"\(pin)\"}}"), includes: library
      ) == [
        "p.yaml:8:45: error: the playbook \"inner\" changed: its digest is \(Playbook.digest(of: inner)) [PB015]\n  fix: read the change, then write that digest here"
      ])
    #expect(
      Samples.complaints(Samples.playbook(steps: "    - {id: a, playbook: iner}"), includes: library) == [
        "p.yaml:8:25: error: there is no playbook \"iner\" [PB015]\n  fix: did you mean \"inner\"?"
      ])
    #expect(
      Samples.complaints(Samples.playbook(steps: "    - {id: a, playbook: inner}"), includes: library) == [
        "inner.yaml:4:27: error: the playbook \"sample\" would contain itself [PB015]\n  fix: break the circle"
      ])
  }

  @Test func `A limit of a whole sub-playbook is refused, not overlooked`() {
    let inner = "playbook: 1\nid: inner\ntitle: I\nsteps: [{id: a, manual: Do it}]"
    let library = PlaybookLibrary(builtin: [PlaybookLibrary.File(name: "inner.yaml", text: inner)])
    #expect(
      Samples.complaints(
        Samples.playbook(steps: "    - {id: a, playbook: inner, timeout: 1m}"), includes: library
      ) == [
        "p.yaml:8:32: error: \"timeout\" does not apply to a step with \"playbook\" [PB017]\n  fix: remove it, or move it to a step of its own"
      ])
  }

  @Test func `Ten thousand steps load and lint`() throws {
    var steps = ""
    for number in 0..<10_000 {
      steps +=
        "    - {id: s\(number), uses: consumer.health, with: {consumer: web}, when: \"\(number == 0 ? "inputs.n == 1" : "steps.s\(number - 1).state == 'healthy'")\"}\n"
    }
    let playbook = try Samples.load(Samples.playbook(steps: steps))
    #expect(playbook.steps.count == 10_000)
    #expect(Linter.diagnostics(of: playbook).allSatisfy { $0.rule == .unusedInput })
  }
}
