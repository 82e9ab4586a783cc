import Capabilities
import Consumers
import Foundation
import HTTP
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

@Suite struct CommandConsumerTests {
  private static func consumer(_ settings: [String: JSONValue]) throws -> any Consumer {
    try ConsumerRegistry.make(
      TargetConfiguration(name: "trainer", kind: "command", settings: settings, position: "staunch.yaml:9:1"),
      in: .forTests(
        http: CurlTransport(),
        processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 })))
  }

  @Test func `rolling out runs the command in its directory`() async throws {
    let directory = try TemporaryDirectory()
    let consumer = try Self.consumer([
      "restart": ["touch", "restarted"], "directory": .string(directory.path),
    ])
    let plan = try await consumer.plan()
    #expect(plan.will.contains("touch restarted"))
    #expect(plan.affected == ["trainer"])
    #expect(!FileManager.default.fileExists(atPath: directory.path("restarted")))
    try await consumer.rollOut(marker: "m", under: .forTests())
    #expect(FileManager.default.fileExists(atPath: directory.path("restarted")))
  }

  @Test func `a command that fails says its status, its last line and how to see more`() async throws {
    let consumer = try Self.consumer([
      "restart": ["sh", "-c", "echo first >&2; echo no such unit >&2; exit 5"]
    ])
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer.rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.because.contains("status 5: no such unit") == true)
    #expect(error?.fix?.contains("by hand") == true)
  }

  @Test(arguments: [(200, ConsumerHealth.State.healthy), (500, .unhealthy), (302, .unhealthy)])
  func `a URL's status tells the health`(status: Int, state: ConsumerHealth.State) async throws {
    let server = try LoopbackServer { _ in .answer(status) }
    let consumer = try Self.consumer(["restart": ["true"], "health": .string(server.url + "/healthz")])
    let health = try await consumer.health()
    #expect(health.state == state)
    #expect(health.evidence.contains("\(status)"))
  }

  @Test func `a program that is not there is unhealthy`() async throws {
    let server = try LoopbackServer { _ in .hangUp }
    let consumer = try Self.consumer(["restart": ["true"], "health": .string(server.url)])
    #expect(try await consumer.health().state == .unhealthy)
  }

  @Test(arguments: [("true", ConsumerHealth.State.healthy), ("false", .unhealthy)])
  func `a command's status tells the health`(program: String, state: ConsumerHealth.State) async throws {
    let consumer = try Self.consumer(["restart": ["true"], "health_command": [.string(program)]])
    #expect(try await consumer.health().state == state)
  }

  @Test func `without a check the health is unknown`() async throws {
    #expect(try await Self.consumer(["restart": ["true"]]).health().state == .unknown)
  }

  @Test(
    arguments: [
      [:], ["restart": []], ["restart": "systemctl restart x"],
      ["restart": ["true"], "health": "http://127.0.0.1/", "health_command": ["true"]],
    ] as [[String: JSONValue]])
  func `wrong settings are refused with place and remedy`(settings: [String: JSONValue]) {
    let error = #expect(throws: CapabilityError.self) { try Self.consumer(settings) }
    #expect(error?.class == .configuration)
    #expect(error?.operation.contains("staunch.yaml:9:1") == true)
  }
}
