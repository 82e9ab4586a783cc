import Capabilities
import Foundation
import JSON
import Secrets
import Testing

/// What a credential is made of, and where it stands.
@Suite struct MaterialTests {
  private static func pair(_ text: MaterialShape.OneText) -> MaterialShape {
    MaterialShape(
      [.init("id", secret: false), .init("key", secret: true)], primary: "key", oneText: text)
  }

  @Test(arguments: [["id": "A"], ["key": "s"], ["id": "A", "key": ""], [:]])
  func `half a credential is none`(values: [String: String]) {
    let error = #expect(throws: CapabilityError.self) {
      try Material(Self.pair(.object), values.mapValues { Secret($0) })
    }
    #expect(error?.class == .invalid)
  }

  @Test(arguments: [
    (MaterialShape.OneText.object, #"{"id":"A","key":"s\"1"}"#), (.joined(by: ":"), #"A:s"1"#),
  ])
  func `as one text it reads back`(text: MaterialShape.OneText, written: String) throws {
    let shape = Self.pair(text)
    let material = try Material(shape, ["id": Secret("A"), "key": Secret("s\"1")])
    #expect(material.oneText.exposeAsText() == written)
    let read = try #require(Material(reading: material.oneText, as: shape))
    #expect(read.primary.exposeAsText() == "s\"1")
    #expect(read.publicParts == ["id": "A"])
  }

  @Test func `another text is no material`() {
    #expect(Material(reading: Secret("plain"), as: Self.pair(.object)) == nil)
    #expect(Material(reading: Secret("a:b:c"), as: Self.pair(.joined(by: ":"))) == nil)
    // The public part stands elsewhere: the secret alone is half.
    #expect(Material(reading: Secret("s"), as: Self.pair(.primary)) == nil)
  }

  @Test func `one place that failed is named beside those where it was done`() {
    let problem = CapabilityError(.network, "x", because: "no route")
    let results = [RefResult(CredentialRef("a")), RefResult(CredentialRef("b"), problem: problem)]
    let error = #expect(throws: CapabilityError.self) { try results.check("disable app") }
    #expect(error?.because == "not at b (no route); done at a")
    #expect(error?.class == .network)
  }

  @Test func `reach that a provider does not tell is unknown, not none`() {
    let reach = Reach([Reach.Grant(.read, "vault:secret/*")], isComplete: false)
    #expect(reach.allows(.read, "vault:secret/app") == true)
    #expect(reach.allows(.read, "vault:other") == nil)
    #expect(reach.allows(.change, "vault:secret/app") == nil)
    #expect(Reach([], isComplete: true).allows(.read, "vault:other") == false)
  }
}
