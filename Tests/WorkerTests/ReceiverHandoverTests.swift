import Capabilities
import JSON
import Secrets
import Testing

@testable import Response
@testable import Worker

@Suite struct ReceiverHandoverTests {
  private static let known = ["env:A": "value of a", "file:/b": "line one\nline two"]

  private func handover(_ text: String, listen: String? = nil) async throws -> ReceiverHandover {
    try await ReceiverHandover(JSONValue(parsing: text), listen: listen) {
      reference async throws(CapabilityError) in
      guard let value = Self.known[reference] else {
        throw CapabilityError(.notFound, reference, because: "the variable is not set", fix: "export it")
      }
      return Secret(value)
    }
  }

  @Test func `the file holds names only, and the secrets go apart`() async throws {
    let handover = try await handover(
      """
      {"listen":"127.0.0.1:1","tls":{"certificate":"/c.pem","key":"file:/b"},
       "routes":[{"path":"/a","kind":"github","keys":["env:A","file:/b"]},
                 {"path":"/r","kind":"report","tokens":"env:A"},
                 {"path":"/s","kind":"aws-sns","topics":"arn:aws:sns:x"}]}
      """, listen: "127.0.0.1:9")
    let text = handover.settings.canonicalText
    for value in Self.known.values { #expect(!text.contains(value.prefix(8))) }
    #expect(!text.contains("env:") && !text.contains("file:"))
    #expect(handover.settings["schema"]?.integer == 1)
    #expect(handover.settings["listen"]?.string == "127.0.0.1:9")
    let secrets = try JSONValue(parsing: handover.secrets.exposeAsBytes())
    func secret(_ reference: JSONValue?) -> String? {
      reference?.string.flatMap { secrets[String($0.dropFirst("inherited:".count))]?.string }
    }
    let routes = handover.settings["routes"]?.array ?? []
    #expect(secret(handover.settings["tls"]?["key"]) == "line one\nline two")
    #expect(routes.first?["keys"]?.array?.map { secret($0) } == ["value of a", "line one\nline two"])
    #expect(routes.dropFirst().first?["tokens"]?.array?.map { secret($0) } == ["value of a"])
    #expect(routes.last?["topics"] == ["arn:aws:sns:x"])
  }

  @Test func `a secret that is not there stops the start and says where it is missing`() async throws {
    let error = await #expect(throws: Refusal.self) {
      _ = try await handover(#"{"routes":[{"path":"/a","kind":"github","keys":["env:A","env:GONE"]}]}"#)
    }
    #expect(error?.kind == .configuration)
    #expect(error?.what.contains("receiver.routes[0].keys[1]") == true)
    #expect(error?.because.contains("not set") == true)
  }
}
