import Capabilities
import Incidents
import PlaybookTools
import Playbooks
import TestSupport
import Testing

/// For each rule: a playbook that it objects to, and where; and the smallest change that satisfies it.
@Suite struct LintRuleTests {
  struct Example: CustomTestStringConvertible, Sendable {
    let rule: Rule
    /// What the rule objects to.
    let bad: String
    let line: Int
    let message: String
    /// The same, mended.
    let good: String
    var testDescription: String { "\(rule.rawValue) \(rule.name)" }

    init(_ rule: Rule, bad: String, at line: Int, _ message: String, good: String) {
      self.rule = rule
      self.bad = bad
      self.line = line
      self.message = message
      self.good = good
    }
  }

  private static let key = #"credential: "${{ inputs.c }}", secret: "${{ inputs.leaked }}""#
  private static let dead = "uses: credential.verify, with: {\(key)}, expect: dead"
  private static let provenDead = "    - {id: proof, \(dead), poll: {every: 1s, for: 1m, consecutive: 3}}\n"
  private static let disable =
    "uses: credential.disable, with: {\(key)}, verify: {\(dead)}, undo: {none: leaked}"
  private static let rewrite =
    #"uses: history.rewrite, with: {repository: "${{ inputs.r }}", remove: ["${{ inputs.leaked }}"]}, "#
    + #"verify: {uses: history.scan, with: {repository: "${{ inputs.r }}", secrets: ["${{ inputs.leaked }}"]}, expect: clean}, "#
    + #"undo: {uses: history.restore, with: {repository: "${{ inputs.r }}", backup: "${{ self.backup }}"}}"#
  private static let delete =
    #"uses: credential.delete, with: {credential: "${{ inputs.c }}", ref: x}, undo: {none: gone}, verify: {\#(dead)}"#
  private static let push =
    #"uses: history.push, with: {repository: "${{ inputs.r }}"}, expect: pushed, undo: {none: public}"#

  static let examples: [Example] = [
    Example(
      .unmeetableGate, bad: "    - {id: a, approve: {by: [responder], min: 1000, within: 1h}}", at: 8,
      "the gate of a needs 1000 different people",
      good: "    - {id: a, approve: {by: [responder], min: 2, within: 1h}}"),
    Example(
      .unmeetableGate, bad: "    - {id: a, approve: {by: [nobody], within: 1h}}", at: 8,
      "nobody can pass the gate of a: its role is nobody's",
      good: "    - {id: a, approve: {by: [responder], within: 1h}}"),
    Example(
      .unprovenEffect, bad: "    - {id: a, uses: consumer.roll-out, with: {consumer: web}}", at: 8,
      "the step a changes the world (consumer.roll-out) without verify and without undo",
      good: "    - {id: a, uses: consumer.roll-out, with: {consumer: web}, undo: {none: why not}}"),
    Example(
      .missingVerify,
      bad: "    - {id: a, uses: consumer.roll-out, with: {consumer: web}, undo: {none: leaked}}", at: 8,
      "nothing proves that the step a worked",
      good:
        "    - {id: a, uses: consumer.roll-out, with: {consumer: web}, undo: {none: leaked}, verify: {uses: consumer.health, with: {consumer: web}, expect: healthy}}"
    ),
    Example(
      .missingUndo,
      bad:
        "    - {id: a, uses: consumer.roll-out, with: {consumer: web}, verify: {uses: consumer.health, with: {consumer: web}, expect: healthy}}",
      at: 8, "the step a does not say how to undo it",
      good:
        "    - {id: a, uses: consumer.roll-out, with: {consumer: web}, undo: {none: leaked}, verify: {uses: consumer.health, with: {consumer: web}, expect: healthy}}"
    ),
    Example(
      .unapprovedEffect, bad: "    - {id: a, \(delete)}", at: 8,
      "the irreversible step a has no approval before it",
      good: "    - {id: go, approve: {within: 5m}}\n    - {id: a, \(delete)}"),
    Example(
      .unapprovedEffect,
      bad: "    - {id: go, when: inputs.n == 1, approve: {within: 5m}}\n    - {id: a, \(delete)}", at: 9,
      "the irreversible step a has no approval before it",
      good:
        "    - {id: go, when: inputs.n == 1, approve: {within: 5m}}\n    - {id: a, when: inputs.n == 1, \(delete)}"
    ),
    Example(
      .unapprovedEffect,
      bad: "    - {id: go, on_failure: continue, approve: {within: 5m}}\n    - {id: a, \(delete)}", at: 9,
      "the irreversible step a has no approval before it",
      good:
        "    - {id: one, when: inputs.n == 1, approve: {within: 5m}}\n    - {id: two, when: inputs.n != 1, approve: {within: 5m}}\n    - {id: a, \(delete)}"
    ),
    Example(
      .unapprovedEffect,
      bad:
        "    - id: p\n      parallel:\n        - {id: go, approve: {within: 5m}}\n        - {id: a, \(delete)}",
      at: 11,
      "the irreversible step p.a has no approval before it",
      good:
        "    - id: p\n      approve: {within: 5m}\n      parallel:\n        - {id: b, manual: Look, timeout: 1m}\n        - {id: a, \(delete)}"
    ),
    Example(
      .unreachable, bad: "    - {id: a, when: false, manual: Do it, timeout: 1m}", at: 8,
      "the step a can never run: its condition is always false",
      good: "    - {id: a, when: true, manual: Do it, timeout: 1m}"),
    Example(
      .unreachable, bad: "    - {id: a, when: \"inputs.n == 1 && 1 == 2\", manual: Do it, timeout: 1m}",
      at: 8,
      "the step a can never run: its condition is always false",
      good: "    - {id: a, when: \"inputs.n == 1 && 1 == 1\", manual: Do it, timeout: 1m}"),
    Example(
      .unreachable,
      bad:
        "    - id: p\n      when: inputs.n == 1\n      parallel:\n        - {id: a, when: inputs.n != 1, manual: Do it, timeout: 1m}",
      at: 11, "the step p.a can never run: around it, \"inputs.n == 1\" holds",
      good:
        "    - id: p\n      when: inputs.n == 1\n      parallel:\n        - {id: a, when: inputs.n == 1, manual: Do it, timeout: 1m}"
    ),
    Example(
      .unreachable, bad: "    - {id: a, for_each: {in: [], as: x}, manual: Do it, timeout: 1m}", at: 8,
      "the step a can never run: its list is empty",
      good: "    - {id: a, for_each: {in: [b], as: x}, manual: Do it, timeout: 1m}"),
    Example(
      .historyBeforeContainment, bad: "    - {id: a, \(rewrite)}\n\(provenDead)", at: 8,
      "the step a touches history before the credential is contained",
      good: "\(provenDead)    - {id: a, \(rewrite)}"),
    Example(
      .historyBeforeContainment,
      bad: "    - {id: stop, when: inputs.n == 1, \(disable)}\n    - {id: a, approve: {within: 1m}, \(push)}",
      at: 9,
      "the step a touches history before the credential is contained",
      good:
        "    - {id: by_hand, manual: Disable it, collect: {contained: timestamp}, timeout: 1m}\n    - {id: a, approve: {within: 1m}, \(push)}"
    ),
    Example(
      .missingDeadline, bad: "    - {id: go, approve: {by: [responder]}}", at: 8,
      "the approval of go may wait for ever", good: "    - {id: go, approve: {by: [responder], within: 5m}}"),
    Example(
      .missingDeadline, bad: "    - {id: a, manual: Do it}", at: 8, "the manual step a may wait for ever",
      good: "    - {id: a, manual: Do it, timeout: 1h}"),
    Example(
      .blindRepeat,
      bad: "    - {id: a, \(disable), retry: {attempts: 2, on: [network, unknown_outcome]}}", at: 8,
      "the step a would be repeated after unknown_outcome, though it may have happened",
      good: "    - {id: a, \(disable), retry: {attempts: 2, on: [network]}}"),
    Example(
      .reEnabled,
      bad:
        "    - {id: a, \(disable)}\n    - {id: b, uses: secret.store, with: {store: \"${{ inputs.s }}\", key: k, secret: \"${{ inputs.leaked }}\"}, undo: {none: x}}",
      at: 9, "the step b would put a leaked secret back into use", good: "    - {id: a, \(disable)}"),
    Example(
      .unprovenDeath, bad: "    - {id: a, \(disable)}", at: 8,
      "no step proves by consecutive answers that the credential of a is dead",
      good: "    - {id: a, \(disable)}\n\(provenDead)"),
    Example(
      .lateEvidence,
      bad: "    - {id: a, \(disable)}\n    - {id: b, uses: credential.inspect, with: {\(key)}}", at: 9,
      "the step b reads evidence after the credential is gone",
      good: "    - {id: b, uses: credential.inspect, with: {\(key)}}\n    - {id: a, \(disable)}"),
    Example(
      .silentFailure, bad: "    - {id: a, \(dead), on_failure: continue}", at: 8,
      "the run would go on although the step a failed", good: "    - {id: a, \(dead)}"),
  ]

  private func found(_ rule: Rule, in steps: String) -> [Diagnostic] {
    Linter.lint(source: Samples.playbook(steps: steps), file: "p.yaml", catalogue: ActionSignature.builtin)
      .filter { $0.rule == rule || $0.rule < .unprovenEffect }
  }

  @Test(arguments: examples)
  func `A rule speaks at the step, and is silent when the step is mended`(_ example: Example) throws {
    let found = found(example.rule, in: example.bad)
    #expect(found.map(\.message) == [example.message])
    #expect(found.map(\.position.line) == [example.line])
    #expect(found.allSatisfy { $0.suggestion != nil })
    #expect(self.found(example.rule, in: example.good).map(\.description) == [])
  }

  @Test func `A playbook without deadline, without lock and with an idle input is told so at its beginning`()
  {
    let source = """
      playbook: 1
      id: sample
      title: A sample
      inputs: {idle: {type: string}, c: {type: credential}}
      steps:
        - {id: go, approve: {within: 1m}}
        - {id: a, uses: credential.delete, with: {credential: "${{ inputs.c }}", ref: x}, undo: {none: gone}}
      """
    let found = Linter.lint(source: source, file: "p.yaml", catalogue: ActionSignature.builtin)
    #expect(
      found.map { "\($0.position) \($0.rule.rawValue) \($0.message)" } == [
        "p.yaml:1:1 PB107 the playbook has no deadline",
        "p.yaml:1:1 PB114 the playbook changes credentials and takes no lock",
        "p.yaml:4:10 PB108 the input \"idle\" is never used",
        "p.yaml:7:5 PB102 nothing proves that the step a worked",
        "p.yaml:7:5 PB111 no step proves by consecutive answers that the credential of a is dead",
      ])
  }

  @Test func `A named policy exception silences approval and order, for its steps only`() throws {
    let source = { (exceptions: String) in
      """
      playbook: 1
      id: sample
      title: A sample
      deadline: 1h
      inputs: {c: {type: credential}, leaked: {type: secret}, r: {type: repository}}
      \(exceptions)
      locks: ["${{ inputs.c.lock }}"]
      steps:
        - {id: a, \(Self.push)}
        - {id: b, \(Self.push)}
      """
    }
    let rules = { (source: String) in
      Linter.lint(source: source, file: "p.yaml", catalogue: ActionSignature.builtin)
        .filter { $0.severity == .error }.map { "\($0.rule.rawValue):\($0.position.line)" }
    }
    #expect(rules(source("# none")) == ["PB104:9", "PB106:9", "PB104:10", "PB106:10"])
    #expect(
      rules(source("exceptions: [{name: published-clean, steps: [a], why: nothing is public yet}]")) == [
        "PB104:10", "PB106:10",
      ])
    let claimed = try Samples.load(
      source("exceptions: [{name: published-clean, steps: [a], why: not public}]"))
    #expect(claimed.exceptions.map(\.name) == ["published-clean"])
  }

  @Test func `Every rule of the linter has an example`() {
    let shown = Set(Self.examples.map(\.rule)).union([.unusedInput, .missingLock, .missingDeadline])
    #expect(Rule.allCases.filter { ("PB101"..<"PB200").contains($0.rawValue) && !shown.contains($0) } == [])
  }

  @Test func `A gate for a role that nobody of the installation holds is questioned`() {
    let source =
      "playbook: 1\nid: p\ntitle: P\ndeadline: 1h\nsteps: [{id: a, approve: {by: [respnder], within: 1h}}]\n"
    func found(_ roles: Set<RoleName>?) -> [String] {
      Linter.lint(source: source, file: "p.yaml", catalogue: [], roles: roles).map {
        "\($0.rule.rawValue) \($0.message); \($0.suggestion ?? "")"
      }
    }
    #expect(found(nil) == [])
    #expect(found(["respnder"]) == [])
    #expect(
      found(["responder", "repository-admin"]) == [
        "PB115 no approver of this installation holds the role of a: respnder; did you mean \"responder\"?"
      ])
  }

  @Test func `A file is linted as it will be looked for, a pipe is not`() {
    let source = "playbook: 1\nid: p\ntitle: P\ndeadline: 1h\nsteps: [{id: a, approve: {within: 1h}}]\n"
    func places(_ file: String, isFile: Bool) -> [String] {
      Linter.lint(source: source, file: file, catalogue: [], isFile: isFile).map {
        "\($0.position) \($0.rule.rawValue)"
      }
    }
    #expect(places("dir/q.yaml", isFile: true) == ["dir/q.yaml:2:1 PB006"])
    #expect(places("dir/p.yml", isFile: true) == [])
    #expect(places("stdin", isFile: false) == [])
  }

  private static func bytes(_ before: String, _ byte: UInt8, _ after: String) -> [UInt8] {
    Array(before.utf8) + [byte] + Array(after.utf8)
  }
  private static let notUTF8: [(bytes: [UInt8], place: String)] = [
    (bytes("playbook: 1\nid: p\ntitle: Gr", 0xFC, "n\n"), "p.yaml:3:10"),
    (bytes("playbook: 1\r\nid: \"ü", 0xC3, "\"\r\n"), "p.yaml:2:7"),
    ([0xFF, 0xFE, 0x70, 0x00], "p.yaml:1:1"), ([0x70, 0x00, 0x6C, 0x00], "p.yaml:1:1"),
  ]

  @Test(arguments: notUTF8)
  func `A file that is no UTF-8 is refused with its place`(bytes: [UInt8], place: String) {
    let found = Linter.lint(bytes: bytes, file: "p.yaml", catalogue: [])
    #expect(found.map { "\($0.position) \($0.rule.rawValue)" } == ["\(place) PB001"])
  }

  @Test func `A byte order mark and the line ends of Windows change no place`() {
    let source = "playbook: 1\nid: p\ntitle: P\nsteps: [{id: a, manual: \"Do ${{ inputs.x }}\"}]\n"
    func places(_ source: String) -> [String] {
      Linter.lint(bytes: Array(source.utf8), file: "p.yaml", catalogue: []).map {
        "\($0.position) \($0.rule.rawValue)"
      }
    }
    let expected = places(source)
    #expect(expected.contains { $0.hasPrefix("p.yaml:4:") && $0.hasSuffix("PB008") })
    #expect(places("\u{FEFF}" + source) == expected)
    #expect(places(source.replacing("\n", with: "\r\n")) == expected)
  }

  @Test func `Ids and names of rules are unique`() {
    #expect(Set(Rule.allCases.map(\.name)).count == Rule.allCases.count)
  }
}
