import Capabilities
import Drills
import JSON
import Testing

@Suite struct LoopbackRuleTests {
  private func target(_ settings: [String: JSONValue]) -> TargetConfiguration {
    TargetConfiguration(name: "t", kind: "k", settings: settings, position: "staunch.yaml:3:1")
  }

  @Test(
    arguments: [
      ["base_url": "https://api.openai.com"], ["host": "db.example.org"], ["production": true],
      ["health": ["http://127.0.0.1:1/ok", "http://10.0.0.1/ok"]], ["url": "http://127.0.0.1.example.org/x"],
      ["url": "http://user@evil.example/127.0.0.1"],
    ] as [[String: JSONValue]])
  func `a target beyond loopback is refused`(settings: [String: JSONValue]) {
    let error = #expect(throws: DrillError.self) { try LoopbackRule.check([target(settings)]) }
    #expect(error?.code == .production)
    #expect(error?.because.contains("staunch.yaml:3:1") == true)
  }

  @Test(
    arguments: [
      ["base_url": "http://127.0.0.1:8080"], ["host": "127.0.0.1"], ["host": "/run/postgresql"],
      ["admin_key": "file:/tmp/key"], ["url": "http://[::1]:9/x"], ["restart": ["touch", "/tmp/restart"]],
    ] as [[String: JSONValue]])
  func `a sandbox target is taken`(settings: [String: JSONValue]) throws {
    try LoopbackRule.check([target(settings)])
  }
}
