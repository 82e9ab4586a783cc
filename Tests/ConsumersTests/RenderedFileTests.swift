import Capabilities
import Consumers
import Foundation
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

@Suite struct RenderedFileTests {
  private let directory: TemporaryDirectory
  private let old = "leaked-value-0123456"

  init() throws { directory = try TemporaryDirectory() }

  private func consumer(_ settings: [String: JSONValue] = [:]) throws -> any Consumer {
    try ConsumerRegistry.make(
      TargetConfiguration(
        name: "app", kind: "rendered-file",
        settings: settings.merging(["files": [.string(directory.path("app.env"))]]) { own, _ in own },
        position: "staunch.yaml:9:1"),
      in: .forTests(
        processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 }),
        files: LocalFileSystem()))
  }

  private func render(_ text: String) throws {
    try text.write(toFile: directory.path("app.env"), atomically: true, encoding: .utf8)
  }

  @Test func `a file holds the old value until it is rendered again`() async throws {
    try render("export URL=postgres://u:\(old)@h/d\n")
    let consumer = try consumer()
    let path = directory.path("app.env")
    #expect(try await consumer.holdings(of: [Secret(old)]) == ConsumerHoldings(holding: [path]))
    try render("export URL=postgres://u:new@h/d\n")
    #expect(try await consumer.holdings(of: [Secret(old)]) == ConsumerHoldings(moved: [path]))
  }

  @Test func `a file that is gone or empty is unhealthy, and has not moved`() async throws {
    let consumer = try consumer(["health_command": ["true"]])
    #expect(try await consumer.health().state == .unhealthy)
    #expect(try await consumer.holdings(of: [Secret(old)]).unread.count == 1)
    try render("")
    #expect(try await consumer.health().state == .unhealthy)
    #expect(try await consumer.holdings(of: [Secret(old)]).moved.isEmpty)
    try render("x")
    #expect(try await consumer.health().state == .healthy)
  }

  @Test func `without a check its health is unknown, and without a reload a plan says what nobody knows`()
    async throws
  {
    try render("x")
    let consumer = try consumer(["poll_seconds": 120])
    #expect(try await consumer.health().state == .unknown)
    let plan = try await consumer.plan()
    #expect(plan.will.hasPrefix("leave "))
    #expect(plan.cannotPredict.count == 2)
    #expect(plan.cannotPredict.first?.hasSuffix("every 120 s") == true)
    try await consumer.rollOut(marker: "m", under: .forTests())
  }

  @Test func `a reload that fails says so`() async throws {
    let good = try consumer(["reload": ["touch", .string(directory.path("reloaded"))]])
    try await good.rollOut(marker: "m", under: .forTests())
    #expect(FileManager.default.fileExists(atPath: directory.path("reloaded")))
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer(["reload": ["false"]]).rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.because == "false ended with status 1")
  }

  @Test(arguments: [["files": []], ["poll_seconds": 0]] as [[String: JSONValue]])
  func `wrong settings are refused`(settings: [String: JSONValue]) {
    let error = #expect(throws: CapabilityError.self) { try consumer(settings) }
    #expect(error?.class == .configuration)
  }
}
