import Capabilities
import Incidents
import Playbooks
import TestSupport
import Testing

/// What the loader says about playbooks that are none: place, message and fix, word for word.
@Suite struct BadPlaybookTests {
  struct Bad: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let source: String
    let complaints: [String]

    init(_ description: String, _ source: String, _ complaints: String...) {
      testDescription = description
      self.source = source
      self.complaints = complaints
    }

    /// The text stands for the steps of a playbook; they begin on line 8, indented by four.
    init(_ description: String, steps: String, _ complaints: String...) {
      testDescription = description
      source = Samples.playbook(steps: steps)
      self.complaints = complaints
    }
  }

  static let verify =
    #"uses: credential.verify, with: {credential: "${{ inputs.c }}", secret: "${{ inputs.leaked }}"}"#

  static let files: [Bad] = [
    Bad("empty", "", "p.yaml:1:1: error: the file is empty [PB001]\n  fix: start with: playbook: 1"),
    Bad(
      "broken YAML", "playbook: 1\nid: [a",
      "p.yaml:3:1: error: did not find expected ',' or ']' [PB001]\n"
        + "  fix: check the indentation and the quotes around this place"),
    Bad(
      "two documents", "playbook: 1\n---\nplaybook: 1\n",
      "p.yaml:2:1: error: but found another document [PB001]\n"
        + "  fix: check the indentation and the quotes around this place"),
    Bad(
      "a tag", "playbook: !!float 1",
      "p.yaml:1:11: error: the tag tag:yaml.org,2002:float is not part of the language [PB001]\n  fix: remove it"
    ),
    Bad(
      "not a mapping", "- playbook: 1", "p.yaml:1:1: error: a playbook must be a mapping, not a list [PB005]"),
    Bad(
      "no version", "id: a",
      "p.yaml:1:1: error: \"playbook\" is missing [PB004]\n  fix: begin the file with: playbook: 1"),
    Bad(
      "a version of the future", "playbook: 2\nid: a\ntitle: A\nsteps: []",
      "p.yaml:1:11: error: this program knows version 1 of the language only [PB014]\n  fix: write playbook: 1, or install a newer staunch"
    ),
    Bad(
      "no steps", "playbook: 1\nid: a\ntitle: A\nsteps: []",
      "p.yaml:4:8: error: \"steps\" is empty [PB005]\n  fix: add at least one step"),
    Bad(
      "missing keys", "playbook: 1\nid: a\n",
      "p.yaml:1:1: error: \"playbook\" needs the key \"title\" [PB004]\n  fix: add title: one line for people.",
      "p.yaml:1:1: error: \"playbook\" needs the key \"steps\" [PB004]\n  fix: add steps: run one after the other."
    ),
    Bad(
      "a duplicate key", "playbook: 1\nid: a\nid: b\n",
      "p.yaml:3:1: error: the key \"id\" stands twice in one mapping [PB002]\n  fix: keep one of them"),
    Bad(
      "an unknown key", "playbook: 1\nid: a\ntitel: A\ntitle: B\nsteps: [{id: a, manual: Do it}]",
      "p.yaml:3:1: error: unknown key \"titel\" in \"playbook\" [PB003]\n  fix: did you mean \"title\"?"),
    Bad(
      "an unknown type",
      "playbook: 1\nid: a\ntitle: A\ninputs: {x: {type: list<consumr>}}\nsteps: [{id: a, manual: Do it}]",
      "p.yaml:4:20: error: there is no type \"list<consumr>\" [PB005]\n  fix: did you mean \"list<consumer>\"?"
    ),
    Bad(
      "a secret as default",
      "playbook: 1\nid: a\ntitle: A\ninputs: {x: {type: secret, default: abc}}\nsteps: [{id: a, manual: Do it}]",
      "p.yaml:4:37: error: a secret cannot be written in a playbook [PB012]\n  fix: leave the default out; the responder gives a reference such as env:NAME"
    ),
    Bad(
      "a default of another type",
      "playbook: 1\nid: a\ntitle: A\ninputs: {x: {type: integer, default: many}}\nsteps: [{id: a, manual: Do it}]",
      "p.yaml:4:38: error: \"default\" takes integer, not text [PB009]"),
    Bad(
      "a deadline without unit",
      "playbook: 1\nid: a\ntitle: A\ndeadline: 30\nsteps: [{id: a, manual: Do it}]",
      "p.yaml:4:11: error: \"deadline\" must be a duration, not a whole number [PB005]\n  fix: add the unit: 30s or 30m"
    ),
  ]

  static let steps: [Bad] = [
    Bad(
      "an unknown action", steps: "    - {id: a, uses: credential.disble, with: {}}",
      "p.yaml:8:21: error: there is no action \"credential.disble\" [PB010]\n  fix: did you mean \"credential.disable\"?"
    ),
    Bad(
      "missing inputs", steps: "    - {id: a, uses: credential.verify}",
      "p.yaml:8:21: error: credential.verify needs the inputs \"credential\" (credential), \"secret\" (list<secret>) [PB011]\n"
        + "  fix: add under with: credential: …, secret: …"),
    Bad(
      "an unknown input",
      steps: #"    - {id: a, uses: consumer.health, with: {consumer: web, consumr: web}}"#,
      "p.yaml:8:60: error: consumer.health has no input \"consumr\" [PB011]\n  fix: did you mean \"consumer\"?"
    ),
    Bad(
      "a value of the wrong type",
      steps: #"    - {id: a, uses: consumer.health, with: {consumer: "${{ inputs.c }}"}}"#,
      "p.yaml:8:60: error: \"consumer\" takes consumer, not credential [PB009]"),
    Bad(
      "a number where text is wanted",
      steps: #"    - {id: a, uses: ticket.open, with: {tracker: t, title: 2024}}"#,
      "p.yaml:8:60: error: \"title\" takes string, not a whole number [PB009]\n  fix: put it in quotes"),
    Bad(
      "a written secret",
      steps: #"    - {id: a, uses: credential.verify, with: {credential: c, secret: hunter2}}"#,
      "p.yaml:8:70: error: a secret cannot be written in a playbook [PB012]\n"
        + "  fix: declare an input of type secret and write ${{ inputs.NAME }}"),
    Bad(
      "a secret in a title",
      steps: #"    - {id: a, uses: ticket.open, with: {tracker: t, title: "Leaked: ${{ inputs.leaked }}"}}"#,
      "p.yaml:8:73: error: a secret would stand in the text of \"title\" [PB012]\n"
        + "  fix: hand it alone to an input of type secret"),
    Bad(
      "a secret as the whole title",
      steps: #"    - {id: a, uses: ticket.open, with: {tracker: t, title: "${{ inputs.leaked }}"}}"#,
      "p.yaml:8:65: error: \"title\" takes string: a secret would leave through it [PB012]\n"
        + "  fix: hand a secret only to an input of type secret"),
    Bad(
      "a secret inside a JSON body",
      steps:
        #"    - {id: a, uses: http.request, with: {method: POST, url: "https://h/", body: {k: ["${{ inputs.leaked }}"]}}}"#,
      "p.yaml:8:91: error: \"k\" takes any: a secret would leave through it [PB012]\n"
        + "  fix: hand a secret only to an input of type secret"),
    Bad(
      "a secret in a condition",
      steps: #"    - {id: a, when: "inputs.leaked == 'x'", manual: Do it}"#,
      "p.yaml:8:22: error: a secret is opaque: it cannot be compared, measured or searched [PB012]\n"
        + "  fix: hand it to an action's input of type secret, for example credential.verify"),
    Bad(
      "a secret in instructions",
      steps: #"    - {id: a, manual: "Revoke ${{ inputs.leaked }}"}"#,
      "p.yaml:8:35: error: a secret would stand in the text of \"manual\" [PB012]\n"
        + "  fix: hand it alone to an input of type secret"),
    Bad(
      "a secret to collect", steps: "    - {id: a, manual: Do it, collect: {token: secret}}",
      "p.yaml:8:47: error: a person's answer is kept in the journal and cannot be a secret [PB012]\n"
        + "  fix: let the person put it into a store, and collect its name"),
    Bad(
      "a shell string",
      steps: #"    - {id: a, uses: command.run, with: {argv: [sh, -c, "echo ${{ inputs.n }}"]}}"#,
      "p.yaml:8:56: error: a value would be pasted into a program text [PB013]\n"
        + "  fix: hand it over as an argument after the text (\"$1\"), or call the program without a shell"),
    Bad(
      "a command line", steps: #"    - {id: a, uses: command.run, with: {argv: "systemctl restart web"}}"#,
      "p.yaml:8:47: error: \"argv\" takes list<string>, not text [PB009]\n  fix: put it in brackets: [ … ]"),
    Bad(
      "an unknown name", steps: #"    - {id: a, when: "input.n == 1", manual: Do it}"#,
      "p.yaml:8:22: error: there is no \"input\" here [PB008]\n  fix: did you mean \"inputs\"?"),
    Bad(
      "an unknown input in an expression", steps: #"    - {id: a, when: "inputs.nn == 1", manual: Do it}"#,
      "p.yaml:8:29: error: there is no input \"nn\" [PB008]\n  fix: did you mean \"n\"?"),
    Bad(
      "an unknown attribute", steps: #"    - {id: a, when: "inputs.c.lok == 'x'", manual: Do it}"#,
      "p.yaml:8:31: error: a value of type credential has no \"lok\" [PB008]\n  fix: did you mean \"lock\"?"),
    Bad(
      "a later step", steps: "    - {id: a, when: ok(steps.b), manual: Do it}\n    - {id: b, manual: Do it}",
      "p.yaml:8:30: error: the step \"b\" is not done before this place [PB008]\n"
        + "  fix: move it up, or move this step after it"),
    Bad(
      "a neighbour in parallel",
      steps:
        "    - id: p\n      parallel:\n        - {id: a, manual: Do it}\n        - {id: b, when: ok(steps.p.a), manual: Do it}",
      "p.yaml:11:34: error: the step \"p\" is not done before this place [PB008]\n"
        + "  fix: move it up, or move this step after it"),
    Bad(
      "an unknown output",
      steps: "    - {id: a, \(verify)}\n    - {id: b, when: steps.a.stat == 'x', manual: Do it}",
      "p.yaml:9:29: error: the step a has no output \"stat\" [PB008]\n  fix: did you mean \"state\"?"),
    Bad(
      "an output of a loop",
      steps:
        "    - {id: a, for_each: {in: \"${{ inputs.people }}\", as: x}, uses: consumer.health, with: {consumer: \"${{ x }}\"}}\n    - {id: b, when: steps.a.state == 'x', manual: Do it}",
      "p.yaml:9:27: error: the step a is a loop: it has outputs per item and none of its own [PB008]\n"
        + "  fix: ask ok(steps.a), or use the output inside the loop's own verify: or undo:"),
    Bad(
      "self outside verify",
      steps: #"    - {id: a, uses: credential.verify, with: {credential: c, secret: "${{ self.secret }}"}}"#,
      "p.yaml:8:75: error: \"self\" means the step's own outputs, which do not exist here [PB008]\n"
        + "  fix: use it in verify: and undo: only"),
    Bad(
      "a condition that is none", steps: "    - {id: a, when: inputs.n, manual: Do it}",
      "p.yaml:8:21: error: \"when\" needs a condition, not a value of type integer [PB009]\n"
        + "  fix: compare it with something"),
    Bad(
      "values that cannot be compared", steps: "    - {id: a, when: inputs.n == true, manual: Do it}",
      "p.yaml:8:30: error: integer and boolean cannot be compared [PB009]"),
    Bad(
      "text without quotes", steps: "    - {id: a, when: inputs.c.kind == postgres, manual: Do it}",
      "p.yaml:8:38: error: there is no \"postgres\" here [PB008]\n"
        + "  fix: text literals need quotes; names begin with inputs, steps"),
    Bad(
      "arithmetic", steps: "    - {id: a, when: inputs.n + 1 == 2, manual: Do it}",
      "p.yaml:8:30: error: the character \"+\" means nothing here [PB007]\n"
        + "  fix: there is no arithmetic; let an action's output carry the value"),
    Bad(
      "a hole that does not end", steps: #"    - {id: a, manual: "Do ${{ inputs.n"}"#,
      "p.yaml:8:27: error: the ${{ does not end [PB007]\n  fix: close it with }}"),
    Bad(
      "an unknown function", steps: "    - {id: a, when: \"startswith(inputs.c.kind, 'x')\", manual: Do it}",
      "p.yaml:8:22: error: there is no function \"startswith\" [PB008]\n  fix: did you mean \"startsWith\"?"),
    Bad(
      "two kinds at once", steps: "    - {id: a, manual: Do it, parallel: []}",
      "p.yaml:8:7: error: a step does one thing, not parallel and manual [PB017]\n  fix: split it into 2 steps"
    ),
    Bad(
      "no kind", steps: "    - {id: a, title: A}",
      "p.yaml:8:7: error: the step does nothing [PB004]\n  fix: add one of: uses, parallel, manual, playbook, approve"
    ),
    Bad(
      "a key of another kind", steps: "    - {id: a, manual: Do it, retry: {attempts: 2}}",
      "p.yaml:8:30: error: \"retry\" does not apply to a step with \"manual\" [PB017]\n"
        + "  fix: remove it, or move it to a step of its own"),
    Bad(
      "an id twice", steps: "    - {id: a, manual: Do it}\n    - {id: a, manual: Do it}",
      "p.yaml:9:12: error: the id \"a\" is used twice [PB006]"),
    Bad(
      "an id that is none", steps: "    - {id: A b, manual: Do it}",
      "p.yaml:8:12: error: \"A b\" is no name [PB006]\n"
        + "  fix: use lower-case letters, digits, _ and -, at most 64, beginning with a letter"),
    Bad(
      "an answer that never comes", steps: "    - {id: a, \(verify), expect: daed}",
      "p.yaml:8:119: error: credential.verify never answers \"daed\" [PB018]\n  fix: did you mean \"dead\"?"),
    Bad(
      "poll without expect", steps: "    - {id: a, \(verify), poll: {every: 1s, for: 1m}}",
      "p.yaml:8:117: error: \"poll\" without \"expect\" never ends well [PB018]\n  fix: add expect:"),
    Bad(
      "poll that cannot end well",
      steps: "    - {id: a, \(verify), expect: dead, poll: {every: 1m, for: 1m, consecutive: 3}}",
      "p.yaml:8:131: error: 3 answers every 1m do not fit into 1m [PB005]\n  fix: make \"for\" longer than 2m"
    ),
    Bad(
      "verify with an effect",
      steps:
        #"    - {id: a, uses: consumer.roll-out, with: {consumer: x}, verify: {uses: consumer.roll-out, with: {consumer: x}}}"#,
      "p.yaml:8:76: error: consumer.roll-out changes the world and cannot prove anything [PB018]\n"
        + "  fix: verify with an action that only reads: abuse.search, consumer.health, credential.inspect, "
        + "credential.verify, history.scan, history.verify"),
    Bad(
      "verify without expect",
      steps:
        #"    - {id: a, uses: consumer.roll-out, with: {consumer: x}, verify: {uses: consumer.health, with: {consumer: x}}}"#,
      "p.yaml:8:69: error: \"verify\" does not say which answer of consumer.health proves the step [PB018]\n"
        + "  fix: add expect: healthy | unhealthy | unknown"),
    Bad(
      "undo that undoes nothing",
      steps:
        #"    - {id: a, uses: consumer.roll-out, with: {consumer: x}, undo: {uses: consumer.health, with: {consumer: x}}}"#,
      "p.yaml:8:74: error: consumer.health undoes nothing [PB018]\n  fix: name an action with an effect"),
    Bad(
      "undo none without reason",
      steps: #"    - {id: a, uses: consumer.roll-out, with: {consumer: x}, undo: {none: " "}}"#,
      "p.yaml:8:74: error: \"none\" needs the reason [PB005]\n  fix: say why it cannot or must not be undone"),
    Bad(
      "a loop in a loop",
      steps:
        "    - id: a\n      for_each: {in: \"${{ inputs.names }}\", as: x}\n      parallel:\n        - {id: b, for_each: {in: \"${{ inputs.names }}\", as: y}, manual: \"Do ${{ y }}\"}",
      "p.yaml:11:29: error: a loop cannot stand inside a loop [PB016]\n"
        + "  fix: each item is journalled by one number; loop over one list",
      "p.yaml:11:81: error: there is no \"y\" here [PB008]\n"
        + "  fix: did you mean \"x\"?"),
    Bad(
      "YAML 1.1 booleans are text", steps: "    - {id: a, approve: {within: 1m, not_initiator: yes}}",
      "p.yaml:8:52: error: \"not_initiator\" must be true or false, not text [PB005]\n"
        + "  fix: YAML 1.2 has no yes, no, on, off"),
    Bad(
      "an unknown error class",
      steps: "    - {id: a, \(verify), retry: {on: [netwrok]}}",
      "p.yaml:8:124: error: there is no error class \"netwrok\" [PB005]\n  fix: did you mean \"network\"?"),
    Bad(
      "on_failure of another word", steps: "    - {id: a, manual: Do it, on_failure: ignore}",
      "p.yaml:8:42: error: \"on_failure\" cannot be \"ignore\" [PB005]\n  fix: one of: stop, continue"),
    Bad(
      "several at once, in order",
      steps:
        "    - {id: a, uses: nothing.at-all, wiht: {}}\n    - {id: b, manual: \"${{ inputs.names }}\", timeout: soon}",
      "p.yaml:8:21: error: there is no action \"nothing.at-all\" [PB010]\n"
        + "  fix: one of: abuse.search, alert.resolve, command.run, consumer.health, consumer.roll-out, credential.delete, "
        + "credential.disable, credential.end-sessions, credential.inspect, credential.issue, credential.verify, "
        + "guard.install, history.push, history.restore, history.rewrite, history.scan, history.verify, http.request, "
        + "notify.send, postmortem.draft, secret.store, ticket.close, ticket.open, ticket.update",
      "p.yaml:8:37: error: unknown key \"wiht\" in \"step\" [PB003]\n  fix: did you mean \"with\"?",
      "p.yaml:9:28: error: \"manual\" takes string, not list<string> [PB009]",
      "p.yaml:9:55: error: \"timeout\" must be a duration, not \"soon\" [PB005]\n  fix: write for example 90s, 5m or 1h30m"
    ),
  ]

  @Test(arguments: files)
  func `A file that is no playbook is refused with place, reason and fix`(_ bad: Bad) {
    #expect(Samples.complaints(bad.source) == bad.complaints)
  }

  @Test(arguments: steps)
  func `A step that cannot work is refused with place, reason and fix`(_ bad: Bad) {
    #expect(Samples.complaints(bad.source) == bad.complaints)
  }

  @Test func `A document that aliases blow up is refused, not expanded`() {
    var source = "playbook: 1\nid: a\ntitle: A\ninputs:\n  a0: &a0 {type: string}\n"
    for level in 1...40 {
      source += "  a\(level): &a\(level) {x: *a\(level - 1), y: *a\(level - 1)}\n"
    }
    let complaints = Samples.complaints(source + "steps: [{id: a, manual: Do it}]")
    #expect(complaints.count == 1)
    #expect(complaints.first?.contains("its aliases expand to too much [PB001]") == true)
  }

  @Test func `An alias that blows up in the place of a key is refused before keys are compared`() {
    var source = "playbook: 1\na0: &a0 [x, x]\n"
    for level in 1...40 { source += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    for key in ["? *a40\n: x\n", "? [*a40, y]\n: x\n", "*a40 : x\n", "b: {[*a40]: x}\n"] {
      let complaints = Samples.complaints(source + key)
      #expect(complaints.count == 1)
      #expect(complaints.first?.contains("its aliases expand to too much [PB001]") == true)
    }
  }

  @Test func `A document that is nested without end is refused, not followed`() {
    let complaints = Samples.complaints(String(repeating: "[", count: 100_000))
    #expect(complaints.count == 1)
  }
}
