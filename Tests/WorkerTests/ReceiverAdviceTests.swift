import JSON
import Testing

@testable import Worker

/// Routes whose deliveries are proven and stored, and then lead to nothing.
@Suite struct ReceiverAdviceTests {
  private static func places(_ kinds: [String], sources: Set<String>) -> [String] {
    let routes = kinds.map { ["path": .string("/" + $0), "kind": .string($0)] as JSONValue }
    return ReceiverAdvice.findings(["routes": .array(routes)], sources: sources).map(\.place)
  }

  @Test func `a route of GitHub without a source, and those that name no secret, are findings`() {
    let kinds = ["report", "github", "pagerduty", "aws-sns", "alertmanager", "gitlab"]
    #expect(
      Self.places(kinds, sources: []) == ["receiver.routes[1]", "receiver.routes[2]", "receiver.routes[4]"])
    #expect(Self.places(kinds, sources: ["github"]) == ["receiver.routes[2]", "receiver.routes[4]"])
    #expect(Self.places([], sources: []).isEmpty)
  }

  @Test func `each says what to do`() {
    let found = ReceiverAdvice.findings(
      ["routes": [["path": "/hooks/github", "kind": "github"]]], sources: ["gitguardian"])
    #expect(found.count == 1)
    #expect(found[0].because.hasPrefix("/hooks/github: ") && found[0].fix.contains("sources:"))
  }
}
