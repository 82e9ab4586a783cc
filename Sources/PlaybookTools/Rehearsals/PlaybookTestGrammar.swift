import Capabilities
import Playbooks

// The keys of test files.
extension Grammar {
  static let test = Grammar(
    name: "test",
    keys: [
      Key("test", .constant(1), required: true, "The version of the format: 1."),
      Key("playbook", .identifier, required: true, "The playbook that is tested."),
      Key("inputs", .map(.data), "Inputs of every case."),
      Key("attributes", .map(.map(.data)), "Facts about targets, by type and name."),
      Key("cases", .list(.object("case")), required: true, "At least one."),
    ])

  static let testCase = Grammar(
    name: "case",
    keys: [
      Key("name", .text, required: true, "What it shows, as a sentence."),
      Key("inputs", .map(.data), "Over those of the file."),
      Key("attributes", .map(.map(.data)), "Over those of the file."),
      Key("steps", .map(.object("outcome")), "What steps come back with, by id."),
      Key("expect", .object("expected"), required: true, "What must come out."),
    ])

  static let outcome = Grammar(
    name: "outcome",
    keys: [
      Key("answer", .text, "The action's answer."),
      Key("verify", .text, "The answer of verify."),
      Key("fails", .word(CapabilityError.Class.allCases.map(\.rawValue)), "The class of the error."),
      Key("approve", .word(MockOutcome.ApprovalAnswer.allCases.map(\.rawValue)), "yes, no or timeout."),
      Key("left_undone", .boolean, "The person never does it."),
      Key("outputs", .map(.data), "The action's outputs, or what the person hands in."),
    ])

  static let expected = Grammar(
    name: "expected",
    keys: [
      Key(
        "state", .word(RehearsedRun.State.allCases.map(\.rawValue)), required: true,
        "done, failed or waiting."),
      Key("at", .text, "The step that failed or waits."),
      Key("succeeded", .list(.text), "Steps that must have succeeded."),
      Key("failed", .list(.text), "Steps that must have failed."),
      Key("skipped", .list(.text), "Steps that must have been skipped."),
    ])
}
