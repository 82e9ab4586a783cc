import BuiltinContent
import Capabilities
import Drills
import Testing

@Suite struct ScenarioTests {
  @Test(arguments: BuiltinContent.scenarios)
  func `every built-in scenario reads, is named after its file and has objectives`(
    _ file: BuiltinContent.File
  )
    throws
  {
    let scenario = try ScenarioReader.read(file.text, file: file.path)
    // Embedded files of one name would be one: a scenario may bear the name of its playbook.
    let names = ["", "-drill"].map { "playbooks/drills/\(scenario.id)\($0).yaml" }
    #expect(names.contains(file.path))
    if let playbook = scenario.playbook {
      #expect(BuiltinContent.playbooks.contains { $0.path == "playbooks/\(playbook).yaml" })
    }
    #expect(scenario.objectives.contains { $0.kind == .contain && $0.within != nil })
    #expect(scenario.objectives.contains { $0.kind == .secrecy })
  }

  private static let start = "drill: 1\nid: x\ntitle: t\ntrigger: r\ncomplication: c\n"

  @Test(arguments: [
    ("objectives: [{reach: contain, within: 30s}]\nsurprise: 1", "s.yaml:7:1", "unknown key \"surprise\""),
    ("objectives: [{reach: win}]", "s.yaml:6:22", "there is no reach \"win\""),
    ("objectives: [{reach: contain, within: soon}]", "s.yaml:6:39", "must be a duration"),
    ("objectives: []", "s.yaml:1:1", "no objectives"),
    ("world: moon\nobjectives: [{reach: contain}]", "s.yaml:6:8", "there is no world \"moon\""),
    ("injects: [{fault: fire}]\nobjectives: [{reach: contain}]", "s.yaml:6:19", "there is no fault \"fire\""),
    (
      "injects: [{fault: lost_reply, times: 0}]\nobjectives: [{reach: contain}]", "s.yaml:6:38",
      "whole number from 1"
    ),
  ])
  func `a mistake is named with its place`(rest: String, place: String, because: String) throws {
    let error = #expect(throws: DrillError.self) {
      try ScenarioReader.read(Self.start + rest, file: "s.yaml")
    }
    #expect(error?.because.contains(place) == true, "\(error?.because ?? "")")
    #expect(error?.because.contains(because) == true, "\(error?.because ?? "")")
  }

  @Test func `injects come in the order of their moments`() throws {
    let scenario = try ScenarioReader.read(
      Self.start + """
        injects:
          - {at: 1m, tell: later}
          - {at: 2s, fault: rate_limit, times: 3}
          - {crash: replacement}
        objectives: [{reach: contain}]
        """, file: "s.yaml")
    #expect(scenario.injects.map(\.at) == [.zero, .seconds(2), .seconds(60)])
    #expect(scenario.crashStep == "replacement")
  }
}
