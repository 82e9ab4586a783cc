import Foundation
import TestSupport
import Testing

/// A run of the worker's that hangs in a program which never comes back.
@Suite(.timeLimit(.minutes(2))) struct HangingRunTests {
  @Test func `SIGTERM ends serve although a run hangs in a program, and the program with it`() async throws {
    let root = try TemporaryDirectory()
    let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
    let listener = try LoopbackServer { _ in
      beginning.yield()
      return .json(200, "{}")
    }
    let token = "upload" + "-" + UUID().uuidString
    try token.write(toFile: root.path("token"), atomically: true, encoding: .utf8)
    for directory in ["home", "playbooks"] {
      try FileManager.default.createDirectory(
        atPath: root.path(directory), withIntermediateDirectories: true)
    }
    try """
    playbook: 1
    id: hangs
    title: Restart a program that never comes back
    deadline: 12h
    defaults: {timeout: 10h}
    inputs:
      consumers: {type: "list<consumer>", description: The program.}
    steps:
      - id: restart
        title: Restart it
        for_each: {in: "${{ inputs.consumers }}", as: consumer}
        uses: consumer.roll-out
        with: {consumer: "${{ consumer }}"}
    """.write(toFile: root.path("playbooks/hangs.yaml"), atomically: true, encoding: .utf8)
    try """
    staunch: 1
    consumers:
      stuck: {kind: command, restart: [/bin/sh, -c, "curl -s \(listener.url)/begun; sleep 600; touch \(root.path("late"))"]}
    receiver:
      listen: 127.0.0.1:0
      routes: [{path: /reports, kind: report, tokens: ["file:\(root.path("token"))"]}]
    routes:
      - {playbook: hangs, consumers: [stuck], autonomy: contain, actions: [consumer.roll-out]}
    policy: {critical_kinds: [openai_api_key]}
    """.write(toFile: root.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: root.path("home"), workingDirectory: root.path)
    let serving = try ServingStaunch(binary)
    let sender = Sender(base: try await serving.ready())
    let report =
      #"{"schema":"staunch.findings/1","findings":[{"kind":"openai_api_key","value":"#
      + #""\#(FakeSecrets.value("openai_api_key", "hangs"))","repository":"acme/app","path":"a.py","line":1}]}"#
    #expect(try await sender.report(report, token: token) == 202)
    for await _ in begun { break }
    #expect(try await serving.stop() == 0, "\(serving.said)")
    #expect(serving.said.contains("stopped"), "\(serving.said)")
    let exported = try await binary.run(["journal", "export"]).output
    #expect(exported.components(separatedBy: "\"step.intent\"").count == 2, "it had begun")
    #expect(!exported.contains("\"run.ended\""), "how it ended is for the next start to find out")
    #expect(!FileManager.default.fileExists(atPath: root.path("late")))
    withExtendedLifetime((listener, root)) {}
  }
}
