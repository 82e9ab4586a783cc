import Capabilities
import Incidents
import Foundation
import JSON
import PlaybookTools
import Playbooks
import TestSupport
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct RenderingTests {
  private static let diagnostics = Linter.lint(
    source: "playbook: 1\nid: a\ntitle: A\nsteps:\n  - {id: b, manual: Do it}\n", file: "dir/a b.yaml",
    catalogue: [])

  @Test func `Findings as JSON carry place, rule, severity, message and suggestion`() {
    #expect(
      Linter.json(of: Self.diagnostics).canonicalText
        == #"{"diagnostics":[{"column":1,"file":"dir/a b.yaml","line":1,"message":"the playbook has no deadline","name":"missing-deadline","rule":"PB107","severity":"error","suggestion":"add for example: deadline: 4h"},{"column":5,"file":"dir/a b.yaml","line":5,"message":"the manual step b may wait for ever","name":"missing-deadline","rule":"PB107","severity":"error","suggestion":"add timeout: 1d"}],"errors":2,"schema":1,"warnings":0}"#
    )
  }

  @Test func `Findings as SARIF name the rule, the place as a URI, and every rule of the tool`() throws {
    let log = Linter.sarif(of: Self.diagnostics, version: "1.2.3")
    let run = try #require(log["runs"]?[0])
    #expect(log["version"] == "2.1.0")
    #expect(run["tool"]?["driver"]?["version"] == "1.2.3")
    let rules = try #require(run["tool"]?["driver"]?["rules"]?.array)
    #expect(rules.count == Rule.allCases.count)
    let result = try #require(run["results"]?[1])
    let index = try #require(result["ruleIndex"]?.integer)
    #expect(rules[index]["id"] == "PB107" && result["ruleId"] == "PB107" && result["level"] == "error")
    let place = result["locations"]?[0]?["physicalLocation"]
    #expect(place?["artifactLocation"]?["uri"] == "dir/a%20b.yaml")
    #expect(place?["region"] == ["startLine": 5, "startColumn": 5])
  }

  @Test func `The schema for editors knows every key and every action`() throws {
    let schema = PlaybookSchema.json(catalogue: ActionSignature.builtin)
    let step = try #require(schema["$defs"]?["step"]?["properties"]?.object)
    #expect(
      step.keys.sorted() == [
        "approve", "collect", "expect", "for_each", "id", "manual", "on_failure", "parallel", "playbook",
        "poll",
        "retry", "timeout", "title", "undo", "uses", "verify", "when", "with",
      ])
    #expect(step["uses"]?["enum"]?.array?.count == ActionSignature.builtin.count)
    #expect(
      schema["$defs"]?["verify"]?["properties"]?["uses"]?["enum"]?.array?.contains("credential.issue")
        == false)
    #expect(schema["required"] == ["playbook", "id", "title", "steps"])
  }

  private static let pages: [String: String] = [
    "docs/ACTIONS.md": ActionReference.markdown(catalogue: ActionSignature.builtin),
    "docs/PLAYBOOKS.md": LanguageReference.markdown,
    "docs/playbook.schema.json": PlaybookSchema.json(catalogue: ActionSignature.builtin).canonicalText + "\n",
    "docs/provider.schema.json": PlaybookSchema.providers.canonicalText + "\n",
    "docs/exchange.schema.json": PlaybookSchema.exchanges.canonicalText + "\n",
  ]

  @Test(arguments: pages.keys.sorted())
  func `A generated page is the one that the declarations give`(_ name: String) throws {
    let made = try #require(Self.pages[name])
    let page = RehearsalTests.top.appending(path: name)
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" { try Data(made.utf8).write(to: page) }
    #expect(
      try String(contentsOf: page, encoding: .utf8) == made,
      "\(name) is stale; write it anew with: RECORD_GOLDEN=1 swift test --filter RenderingTests")
  }

  private static let drawn = #"""
    playbook: 1
    id: drawn
    title: Draw <me> & "you"
    deadline: 1h
    inputs: {names: {type: list<string>}}
    steps:
      - id: look
        parallel:
          - {id: one, uses: consumer.health, with: {consumer: web}, expect: healthy, poll: {every: 1s, for: 1m, consecutive: 3}}
          - {id: two, manual: "Ask; \"them\"", timeout: 1m}
      - {id: go, approve: {by: [responder], within: 1m}}
      - {id: each, title: "Roll [out]", for_each: {in: "${{ inputs.names }}", as: name}, when: "len(inputs.names) > 1", uses: consumer.roll-out, with: {consumer: web}, undo: {none: x}}
    finally:
      - {id: last, uses: notify.send, with: {to: t, title: Done}}
    """#

  @Test func `A graph in Mermaid shows order, groups and gates, and no text of the playbook becomes syntax`()
    throws
  {
    let mermaid = PlaybookGraph(try Samples.load(Self.drawn)).mermaid
    #expect(
      mermaid.split(separator: "\n").filter { !$0.contains("classDef") }.joined(separator: "\n") == """
        flowchart TD
          subgraph n0["look"]
            n1["one<br/>consumer.health = healthy ×3"]:::read
            n2["two<br/>by hand"]:::manual
          end
          n3{{"go<br/>approval by responder"}}:::gate
          n0 --> n3
          n4["Roll #91;out#93;<br/>consumer.roll-out<br/>for each name<br/>when len#40;inputs.names#41; #62; 1"]:::reversible
          n3 --> n4
          n5["last<br/>notify.send"]:::finally
          n4 --> n5
        """)
  }

  @Test(arguments: BuiltinPlaybookTests.library.ids.map(\.rawValue) + ["drawn"])
  func `A graph in SVG is well-formed XML with one box for each step`(_ id: String) throws {
    let playbook =
      try id == "drawn"
      ? Samples.load(Self.drawn)
      : BuiltinPlaybookTests.library.load(.init(id), catalogue: ActionSignature.builtin)
    let counter = ElementCounter()
    let parser = XMLParser(data: Data(PlaybookGraph(playbook).svg.utf8))
    parser.delegate = counter
    #expect(parser.parse())
    let gatesOfSteps = playbook.allSteps.filter { step in
      if case .gate = step.kind { false } else { step.approval != nil }
    }
    // One rectangle is the background.
    #expect(counter.rectangles == playbook.allSteps.count + gatesOfSteps.count + 1)
  }

  private final class ElementCounter: NSObject, XMLParserDelegate {
    var rectangles = 0
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      if name == "rect" { rectangles += 1 }
    }
  }
}
