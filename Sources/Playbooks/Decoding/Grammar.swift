/// The keys of one kind of mapping: what the decoder accepts, and what the JSON Schema for editors says.
package struct Grammar: Sendable {
  /// One key.
  package struct Key: Sendable {
    package let name: String
    package let shape: Shape
    package let isRequired: Bool
    /// One sentence for the editor.
    package let summary: String

    package init(_ name: String, _ shape: Shape, required: Bool = false, _ summary: String) {
      self.name = name
      self.shape = shape
      self.isRequired = required
      self.summary = summary
    }
  }

  /// What may stand after a key.
  package indirect enum Shape: Sendable {
    case text, identifier, condition, template, boolean, duration, type, digest
    /// A whole number, at least this.
    case integer(atLeast: Int)
    /// Exactly this number.
    case constant(Int)
    case word([String])
    case list(Shape)
    case map(Shape)
    /// A mapping with keys of its own, by ``Grammar/name``.
    case object(String)
    case either([Shape])
    /// Anything that YAML can write, with `${{ }}` in it.
    case data
  }

  /// For messages, for example `a step`.
  package let name: String
  package let keys: [Key]

  package init(name: String, keys: [Key]) {
    self.name = name
    self.keys = keys
  }

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

extension Grammar {
  /// Every grammar, the playbook first.
  package static let all: [Grammar] = [
    playbook, input, defaults, exception, step, loop, approval, expectationPoll, verification, compensation,
    retry,
    include, inclusion, part,
  ]

  package static let playbook = Grammar(
    name: "playbook",
    keys: [
      Key("playbook", .constant(1), required: true, "The language version: 1."),
      Key("id", .identifier, required: true, "The playbook's name, for example rotate-leaked-credential."),
      Key("title", .text, required: true, "One line for people."),
      Key("description", .text, "What it is for and when to use it."),
      Key("inputs", .map(.object("input")), "What it needs, by name."),
      Key("locks", .list(.template), "Two runs with an equal lock exclude each other."),
      Key("defaults", .object("defaults"), "What holds for every step that does not say otherwise."),
      Key(
        "deadline", .duration,
        "No step begins later than this after the run's start or resume; waiting for people does not count."),
      Key(
        "exceptions", .list(.object("exception")), "Rules broken on purpose; policy must grant each by name."),
      Key("steps", steps, required: true, "Run one after the other."),
      Key("finally", steps, "Run at the end in any case."),
    ])

  /// Steps, and parts that bring theirs.
  private static var steps: Shape { .list(.either([.object("step"), .object("inclusion")])) }

  static let input = Grammar(
    name: "input",
    keys: [
      Key("type", .type, required: true, "The value's type, for example list<consumer>."),
      Key("default", .data, "Used when none is given; null makes the input optional."),
      Key("description", .text, "One sentence for people."),
    ])

  static let defaults = Grammar(
    name: "defaults",
    keys: [
      Key("timeout", .duration, "For one attempt of a step."),
      Key("retry", .object("retry"), "For failures that may pass."),
    ])

  static let exception = Grammar(
    name: "exception",
    keys: [
      Key("name", .identifier, required: true, "The name that policy must grant."),
      Key("steps", .list(.text), required: true, "The steps that it covers."),
      Key("why", .text, required: true, "The reason, for the auditor."),
    ])

  static let step = Grammar(
    name: "step",
    keys: [
      Key("id", .identifier, required: true, "The step's name; expressions say steps.ID."),
      Key("title", .text, "One line for people."),
      Key("uses", .text, "The action, for example credential.disable."),
      Key("with", .map(.data), "The action's inputs."),
      Key("when", .condition, "Runs only when this holds; asked once, before approval and loop."),
      Key("verify", .object("verify"), "A read that proves the effect."),
      Key("expect", .text, "The answer that the action must give."),
      Key("poll", .object("poll"), "Ask again until the answer comes; for reads."),
      Key("undo", .object("undo"), "How to take it back, or none: and why not."),
      Key("approve", .object("approve"), "Who must say yes first."),
      Key("retry", .object("retry"), "For failures that may pass."),
      Key("timeout", .duration, "For one attempt."),
      Key("for_each", .object("for_each"), "Once per item of a list."),
      Key("parallel", .list(.object("step")), "Steps that run at the same time."),
      Key("manual", .template, "What a person has to do."),
      Key("collect", .map(.type), "What the person hands in, by name."),
      Key("playbook", .either([.identifier, .object("include")]), "Another playbook as a step."),
      Key(
        "on_failure", .either([.word(["stop", "continue"]), .list(.object("step"))]),
        "stop (when absent), continue, or steps to run."),
    ])

  static let loop = Grammar(
    name: "for_each",
    keys: [
      Key("in", .data, required: true, "The list."),
      Key("as", .identifier, required: true, "The item's name in expressions."),
      Key("max_parallel", .integer(atLeast: 1), "Items at once; 1 when absent."),
    ])

  static let approval = Grammar(
    name: "approve",
    keys: [
      Key("by", .list(.text), "Roles that may approve; any when absent."),
      Key("within", .duration, "How long to wait for an answer."),
      Key(
        "on_timeout", .word(ApprovalGate.TimeoutResponse.allCases.map(\.rawValue)),
        "wait (when absent), or stop: the step fails, and a later yes does not count."),
      Key("min", .integer(atLeast: 1), "Different people needed; 1 when absent."),
      Key("not_initiator", .boolean, "Whoever started the run does not count."),
      Key("show", .list(.text), "What the approver is shown besides the plan."),
    ])

  static let expectationPoll = Grammar(
    name: "poll",
    keys: [
      Key("every", .duration, required: true, "The pause between two tries."),
      Key("for", .duration, required: true, "The limit; then the step fails."),
      Key("consecutive", .integer(atLeast: 1), "Expected answers in a row; 1 when absent."),
    ])

  static let verification = Grammar(
    name: "verify",
    keys: [
      Key("uses", .text, required: true, "An action that only reads."),
      Key("with", .map(.data), "Its inputs; self is this step's outputs."),
      Key("expect", .text, "The answer that proves the effect."),
      Key("poll", .object("poll"), "Ask again until the answer comes."),
    ])

  static let compensation = Grammar(
    name: "undo",
    keys: [
      Key("uses", .text, "The action that takes it back."),
      Key("with", .map(.data), "Its inputs; self is this step's outputs."),
      Key("none", .text, "Why it cannot or must not be taken back."),
    ])

  static let retry = Grammar(
    name: "retry",
    keys: [
      Key("attempts", .integer(atLeast: 1), "Including the first."),
      Key("delay", .duration, "Before the second attempt; doubles each time."),
      Key("max_delay", .duration, "The longest pause."),
      Key("jitter", .word(RetryPolicy.Jitter.allCases.map(\.rawValue)), "full (when absent) or none."),
      Key("on", .list(.text), "Error classes that are worth another attempt."),
    ])

  static let include = Grammar(
    name: "include",
    keys: [
      Key("id", .identifier, required: true, "The playbook, or the part."),
      Key("sha256", .digest, "Its digest; a changed file is refused."),
    ])

  static let inclusion = Grammar(
    name: "inclusion",
    keys: [
      Key(
        "include", .either([.identifier, .object("include")]), required: true,
        "A part: its steps stand here, under their own ids.")
    ])

  static let part = Grammar(
    name: "part",
    keys: [
      Key("part", .constant(1), required: true, "The language version: 1."),
      Key("id", .identifier, required: true, "The part's name, and its file's: parts/ID.yaml."),
      Key("title", .text, required: true, "One line for people."),
      Key("description", .text, "What it is for and what must stand before it."),
      Key(
        "inputs", .map(.object("input")),
        "What it needs; a playbook that declares the same decides the default."),
      Key("steps", steps, required: true, "Put where the part is included."),
      Key("finally", steps, "Put after the playbook's own."),
    ])
}
