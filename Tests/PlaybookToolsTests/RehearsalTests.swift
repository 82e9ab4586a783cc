import BuiltinContent
import Capabilities
import Foundation
import Incidents
import PlaybookTools
import Playbooks
import Testing

@Suite struct RehearsalTests {
  static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func load(_ id: PlaybookID) throws -> (test: PlaybookTest, playbook: Playbook) {
    let name = "playbooks/tests/\(id).yaml"
    let source = try String(contentsOf: Self.top.appending(path: name), encoding: .utf8)
    return try PlaybookTest.load(
      source: source, file: name, library: BuiltinPlaybookTests.library, catalogue: ActionSignature.builtin)
  }

  @Test(arguments: BuiltinPlaybookTests.library.ids)
  func `Every case of a built-in playbook comes out as its test file says`(_ id: PlaybookID) throws {
    let (test, playbook) = try load(id)
    for testCase in test.cases {
      let run = try Rehearsal.run(playbook, testCase)
      #expect(run.differences(from: testCase.expected) == [], "\(testCase.position): \(testCase.name)")
    }
  }

  @Test(arguments: BuiltinPlaybookTests.library.ids)
  func `The cases of a built-in playbook go through every branch`(_ id: PlaybookID) throws {
    let (test, playbook) = try load(id)
    var seen: Set<Branch> = []
    for testCase in test.cases { seen.formUnion(try Rehearsal.run(playbook, testCase).branches) }
    #expect(Branch.all(of: playbook).filter { !seen.contains($0) }.map(\.description) == [])
  }

  @Test func `The order of the steps is the order of containment`() throws {
    let (test, playbook) = try load("rotate-leaked-credential")
    let run = try Rehearsal.run(playbook, try #require(test.cases.first))
    #expect(
      run.calls.map { call in call.item.map { "\(call.step)#\($0)" } ?? call.step.rawValue } == [
        "triage.alive", "triage.facts", "triage.abuse", "ticket", "replacement", "rollout#0", "rollout#1",
        "disable_old", "end_sessions", "prove_dead", "prove_alive", "contained", "alerts",
        "programs_work#0", "programs_work#1", "rewrite#0", "push#0", "fresh_clone#0", "close", "postmortem",
      ])
    let disable = try #require(run.calls.first { $0.step == "disable_old" })
    #expect(
      disable.inputs == [
        "credential": .credential("payments-key"), "secret": .list([.secret("leaked")]),
        "ref": .string("key-1"), "replaced_by": .string("key-2"),
      ])
  }

  /// In the first case of its test file.
  @Test(arguments: [
    ("gitlab-token", ["replacement", "rollout", "prove_dead", "made_with_it", "rewrite"]),
    ("slack-token", ["stop_old", "replacement", "rollout", "prove_dead", "rewrite"]),
    (
      "openai-and-database",
      [
        "replacement", "other_replacement", "rollout", "disable_old", "disable_other", "end_other_sessions",
        "prove_dead", "prove_other_dead", "rewrite",
      ]
    ),
    (
      "kubernetes-model-server",
      [
        "replacement", "other_replacement", "rollout", "disable_old", "disable_other", "prove_dead",
        "prove_other_dead", "rewrite",
      ]
    ),
    (
      "aws-ecs-pipeline",
      [
        "replacement", "other_replacement", "disable_old", "disable_other", "end_sessions", "rollout",
        "end_other_sessions", "prove_dead", "prove_other_dead", "made_with_it", "rewrite",
      ]
    ),
  ])
  func `A playbook goes in the order that its credentials need`(id: String, order: [String]) throws {
    let (test, playbook) = try load(PlaybookID(id))
    let run = try Rehearsal.run(playbook, try #require(test.cases.first))
    let steps = run.calls.filter { ($0.item ?? 0) == 0 }.map(\.step.rawValue)
    #expect(steps.filter(order.contains) == order)
  }

  @Test func `A program is asked for the old values of both credentials, and history is cleaned of both`()
    throws
  {
    let (test, playbook) = try load("kubernetes-model-server")
    let run = try Rehearsal.run(playbook, try #require(test.cases.first))
    let both = Value.list([.secret("leaked"), .secret("other-leaked")])
    func input(_ step: StepID, _ name: String) -> Value? { run.calls.first { $0.step == step }?.inputs[name] }
    #expect(input("programs_work", "replaced") == both)
    #expect(input("rewrite", "remove") == both)
    #expect(input("fresh_clone", "secrets") == both)
  }

  @Test func `A test file that does not fit its playbook is refused with places and suggestions`() throws {
    let source = """
      test: 1
      playbook: generic-secret
      inputs: {incident: inc-1, leaked: l, tracker: t, credentail: x}
      cases:
        - name: wrong in many ways
          steps:
            repalced: {left_undone: true}
            prove_dead: {answer: daed}
            disabled: {outputs: {contained: yesterday}}
          expect: {state: finished}
      """
    let error = #expect(throws: PlaybookError.self) {
      try PlaybookTest.load(
        source: source, file: "t.yaml", library: BuiltinPlaybookTests.library,
        catalogue: ActionSignature.builtin)
    }
    #expect(
      error?.description == """
        t.yaml:3:50: error: the playbook generic-secret has no "credentail" [PB011]
          fix: did you mean "credential"?
        t.yaml:7:7: error: there is no step "repalced" [PB008]
          fix: did you mean "replaced"?
        t.yaml:8:28: error: the step prove_dead never answers "daed" there [PB018]
          fix: did you mean "dead"?
        t.yaml:9:39: error: "contained" is timestamp, not text [PB009]
        t.yaml:10:21: error: "state" cannot be "finished" [PB005]
          fix: one of: done, failed, waiting
        """)
  }

  @Test func `A condition that a case leaves open is an error, never a guess`() throws {
    let source = """
      test: 1
      playbook: sample
      cases:
        - {name: open, expect: {state: done}}
      """
    let sample = """
      playbook: 1
      id: sample
      title: A sample
      inputs: {c: {type: credential, default: key}}
      steps:
        - {id: a, when: "inputs.c.overlap == 'none'", manual: Do it}
      """
    let library = PlaybookLibrary(builtin: [PlaybookLibrary.File(name: "sample.yaml", text: sample)])
    let (test, playbook) = try PlaybookTest.load(
      source: source, file: "t.yaml", library: library, catalogue: [])
    let testCase = try #require(test.cases.first)
    #expect(throws: EvaluationError.self) { try Rehearsal.run(playbook, testCase) }
  }

  /// Runs the only case of `test` on the sample playbook with these steps.
  private func rehearse(steps: String, _ test: String, inner: String? = nil) throws -> RehearsedRun {
    var files = [
      PlaybookLibrary.File(name: "sample.yaml", text: "playbook: 1\nid: sample\ntitle: S\nsteps:\n" + steps)
    ]
    if let inner { files.append(PlaybookLibrary.File(name: "inner.yaml", text: inner)) }
    let (loaded, playbook) = try PlaybookTest.load(
      source: "test: 1\nplaybook: sample\ncases: [{name: only, expect: {state: done}, steps: {\(test)}}]",
      file: "t.yaml", library: PlaybookLibrary(builtin: files), catalogue: ActionSignature.builtin)
    return try Rehearsal.run(playbook, try #require(loaded.cases.first))
  }

  @Test func `A failed step with recovery steps goes on when these succeed, and stops when they fail`() throws
  {
    let steps = """
        - id: a
          uses: consumer.roll-out
          with: {consumer: web}
          undo: {none: x}
          on_failure: [{id: r, when: failed(steps.a), uses: consumer.health, with: {consumer: web}, expect: healthy}]
        - {id: b, when: failed(steps.a), manual: Look at it}
        - {id: c, when: ok(steps.a), manual: Go on}
      """
    let recovered = try rehearse(steps: steps, "a: {fails: network}")
    #expect(recovered.state == .done)
    #expect(
      recovered.statuses == ["a": .failed, "a.r": .succeeded, "b": .succeeded, "c": .skipped])
    let lost = try rehearse(steps: steps, "a: {fails: network}, a.r: {answer: unhealthy}")
    #expect(lost.state == .failed && lost.at == "a.r" && lost.statuses["b"] == .skipped)
    let fine = try rehearse(steps: steps, "")
    #expect(fine.state == .done && fine.statuses["a.r"] == .skipped && fine.statuses["c"] == .succeeded)
  }

  @Test func `Every branch of parallel runs although one fails, and then the run stops`() throws {
    let steps = """
        - id: p
          parallel:
            - {id: a, uses: consumer.health, with: {consumer: web}, expect: healthy}
            - {id: b, uses: consumer.health, with: {consumer: api}}
        - {id: c, manual: Go on}
      """
    let run = try rehearse(steps: steps, "p.a: {answer: unhealthy}")
    #expect(run.state == .failed && run.at == "p.a")
    #expect(run.statuses == ["p": .failed, "p.a": .failed, "p.b": .succeeded, "c": .skipped])
  }

  @Test func `A gate that times out waits, or fails when the playbook says stop`() throws {
    let waiting = try rehearse(steps: "  - {id: g, approve: {within: 1m}}", "g: {approve: timeout}")
    #expect(waiting.state == .waiting && waiting.at == "g")
    let stopped = try rehearse(
      steps: "  - {id: g, approve: {within: 1m, on_timeout: stop}}", "g: {approve: timeout}")
    #expect(stopped.state == .failed && stopped.at == "g")
  }

  @Test func `A sub-playbook runs with its own inputs, and its outputs are seen outside`() throws {
    let inner = """
      playbook: 1
      id: inner
      title: I
      inputs: {who: {type: consumer}}
      steps: [{id: ask, uses: consumer.health, with: {consumer: "${{ inputs.who }}"}}]
      """
    let run = try rehearse(
      steps: """
          - {id: sub, playbook: inner, with: {who: web}}
          - {id: then, when: steps.sub.ask.state == 'healthy', manual: Go on}
        """, "sub.ask: {outputs: {state: healthy}}", inner: inner)
    #expect(run.calls.map(\.inputs) == [["consumer": .consumer("web")]])
    #expect(run.statuses == ["sub": .succeeded, "sub.ask": .succeeded, "then": .succeeded])
  }

  @Test func `The pause before an attempt doubles up to its limit`() {
    let policy = RetryPolicy(
      attempts: 9, delay: .seconds(1), maxDelay: .seconds(6), jitter: .full, classes: [.network])
    #expect(
      (1...6).map { policy.pause(before: $0) } == [
        .zero, .seconds(1), .seconds(2), .seconds(4), .seconds(6), .seconds(6),
      ])
  }
}
