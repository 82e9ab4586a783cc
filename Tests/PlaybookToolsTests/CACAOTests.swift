import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import PlaybookTools
import Playbooks
import Testing

@Suite struct CACAOTests {
  private static let uuid = "9e7d62b2-88ac-4656-94e1-dbd4413ba00"

  /// A playbook of these steps; `S0` to `S9` stand for the last digit of a UUID.
  private static func document(_ workflow: String, _ more: String = "") throws -> JSONValue {
    let text = """
      {"type": "playbook", "spec_version": "cacao-2.0", "id": "playbook--\(uuid)f", "name": "Example",
       "created": "2025-01-21T14:14:23.263Z", "modified": "2025-01-21T14:14:23.263Z", \(more)
       "workflow_start": "start--\(uuid)0", "workflow": {"start--\(uuid)0": {"type": "start", "on_completion": "\(first(workflow))"},
       "end--\(uuid)9": {"type": "end"}, \(workflow)}}
      """.replacing("UUID", with: uuid)
    return try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  private static func first(_ workflow: String) -> String {
    String(workflow.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)[1])
  }

  private static func manual(_ id: Int, _ more: String, command: String = "Do it") -> String {
    #""action--UUID\#(id)": {"type": "action", "name": "Step \#(id)", "commands": [{"type": "manual", "command": "\#(command)"}], \#(more)}"#
  }

  private func imported(_ document: JSONValue) throws -> Playbook {
    let yaml = try CACAOImport.yaml(from: document)
    let playbook = try Playbook.load(source: yaml, file: "c.yaml", catalogue: ActionSignature.builtin)
    #expect(Linter.diagnostics(of: playbook).filter { $0.severity == .error } == [])
    return playbook
  }

  @Test func `Manual and HTTP steps, variables and timeouts become a playbook that begins with an approval`()
    throws
  {
    let playbook = try imported(
      Self.document(
        Self.manual(
          1, #""timeout": 90000, "out_args": ["__Ready__"], "on_completion": "action--UUID2""#,
          command: "Look up __ip__:value for __who__:value")
          + #", "action--UUID2": {"type": "action", "name": "Block", "commands": [{"type": "http-api", "command": "POST /block/__ip__:value"}], "targets": ["http-api--UUID3"], "on_completion": "end--UUID9"}"#,
        #""playbook_variables": {"__ip__": {"type": "ipv4-addr", "external": true, "description": "The address"}, "__who__": {"type": "string", "value": "us"}}, "target_definitions": {"http-api--UUID3": {"type": "http-api", "name": "f", "address": {"dname": ["firewall.example"]}, "port": "8443"}}, "#
      ))
    #expect(playbook.inputs.map(\.name) == ["ip"])
    guard case .gate = playbook.steps[0].kind, case .manual(let manual) = playbook.steps[1].kind else {
      Issue.record("no gate, or no manual step")
      return
    }
    let scope = Scope(inputs: ["ip": .string("1.2.3.4")])
    #expect(try manual.instructions.value(in: scope) == .string("Look up 1.2.3.4 for us"))
    #expect(manual.collect == ["ready": .string] && manual.timeout == .seconds(90))
    let inputs = try #require(playbook.steps[2].action).call.inputs(in: scope)
    #expect(
      inputs["url"]?.text == "https://firewall.example:8443/block/1.2.3.4"
        && inputs["method"] == .string("POST"))
  }

  @Test func `Branches of success, failure and comparison become conditions`() throws {
    let playbook = try imported(
      Self.document(
        Self.manual(1, #""on_success": "if-condition--UUID2", "on_failure": "action--UUID5""#)
          + #", "if-condition--UUID2": {"type": "if-condition", "condition": "__sev__:value = 'high'", "on_true": "action--UUID3", "on_false": "action--UUID4", "on_completion": "end--UUID9"}, "#
          + [3, 4, 5].map { Self.manual($0, #""on_completion": "end--UUID9""#) }.joined(separator: ", "),
        #""playbook_variables": {"__sev__": {"type": "string", "external": true}}, "#))
    let conditions = playbook.steps.dropFirst(2).map { $0.condition?.text.replacing(Self.uuid, with: "") }
    #expect(
      conditions == [
        #"ok(steps.action--1) && inputs.sev == "high""#, #"ok(steps.action--1) && !(inputs.sev == "high")"#,
        "failed(steps.action--1)",
      ])
  }

  @Test func `Parallel branches of one step stay parallel`() throws {
    let playbook = try imported(
      Self.document(
        #""parallel--UUID1": {"type": "parallel", "next_steps": ["action--UUID2", "action--UUID3"], "on_completion": "end--UUID9"}, "#
          + [2, 3].map { Self.manual($0, #""on_completion": "end--UUID9""#) }.joined(separator: ", ")))
    guard case .parallel(let branches) = playbook.steps[1].kind else {
      Issue.record("not parallel")
      return
    }
    #expect(branches.count == 2)
  }

  @Test(arguments: [
    (
      #""action--UUID1": {"type": "action", "commands": [{"type": "ssh", "command": "ls"}], "on_completion": "end--UUID9"}"#,
      "", "action--UUID1: commands of type ssh are outside the subset"
    ),
    (
      manual(1, #""on_completion": "action--UUID1""#), "",
      "action--UUID1: more than one way leads to this step, or it repeats"
    ),
    (
      manual(1, #""on_completion": "action--UUID7""#), "",
      "action--UUID1: on_completion names action--UUID7, which does not exist"
    ),
    (
      manual(1, #""on_completion": "end--UUID9", "delay": 5"#), "",
      "action--UUID1: delays are outside the subset"
    ),
    (
      manual(1, #""on_completion": "end--UUID9", "surprise": 1"#), "",
      "action--UUID1: the property \"surprise\" is outside the subset"
    ),
    (manual(1, #""timeout": 5"#), "", "action--UUID1: nothing says what comes after it"),
    (
      manual(1, #""on_completion": "end--UUID9""#, command: "Ask __nobody__:value"), "",
      "action--UUID1: __nobody__:value is no variable with :value behind it"
    ),
    (
      manual(1, #""on_completion": "end--UUID9""#) + ", " + manual(2, #""on_completion": "end--UUID9""#), "",
      "action--UUID2: no way leads to this step"
    ),
    (
      #""while-condition--UUID1": {"type": "while-condition", "on_completion": "end--UUID9"}"#, "",
      "while-condition--UUID1: steps of type while-condition are outside the subset"
    ),
    (
      manual(1, #""on_completion": "end--UUID9""#), #""revoked": true, "#,
      "revoked: the author has revoked this playbook"
    ),
    (
      manual(1, #""on_completion": "end--UUID9""#),
      #""authentication_info_definitions": {"user-auth--UUID8": {"type": "user-auth", "username": "root", "password": "x"}}, "#,
      "user-auth--UUID8: holds the secret \"password\" in plain text"
    ),
  ])
  func `What is outside the subset is refused by step id`(
    _ workflow: String, _ more: String, _ problem: String
  ) throws {
    let error = #expect(throws: CACAOError.self) { try CACAOImport.yaml(from: Self.document(workflow, more)) }
    #expect(error?.description.replacing(Self.uuid, with: "UUID") == problem)
  }

  @Test(arguments: BuiltinPlaybookTests.library.ids)
  func `An exported playbook is one connected workflow with the state of its run`(_ id: PlaybookID) throws {
    let playbook = try BuiltinPlaybookTests.library.load(id, catalogue: ActionSignature.builtin)
    let last = try #require(playbook.steps.last).id
    let json = CACAOExport(
      playbook, created: "2026-11-24T03:00:00.000Z", statuses: [last: .done], sharing: .green
    ).json
    let workflow = try #require(json["workflow"]?.object)
    var reached: Set<String> = []
    var waiting = [try #require(json["workflow_start"]?.string)]
    while let next = waiting.popLast() {
      let step = try #require(workflow[next], "\(next) does not exist")
      guard reached.insert(next).inserted else { continue }
      waiting +=
        [step["on_completion"]?.string].compactMap { $0 }
        + (step["next_steps"]?.array ?? []).compactMap(\.string)
    }
    #expect(reached == Set(workflow.keys))
    #expect(
      workflow.values.filter { $0["type"] == "action" || $0["type"] == "parallel" }.count
        == playbook.allSteps.count)
    let states = workflow.values.compactMap { $0["step_extensions"]?.object?.values.first?["status"]?.string }
    #expect(states == ["done"])
    #expect(json["data_marking_definitions"]?.object?.values.first?["tlpv2_level"] == "TLP:GREEN")
    #expect(
      CACAOExport(
        playbook, created: "2026-11-24T03:00:00.000Z", statuses: [last: .done], sharing: .green
      ).json == json)
  }
}
