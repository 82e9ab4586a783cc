import Capabilities
import Foundation
import Testing

@testable import CredentialProviders

@Suite struct ScramVerifierTests {
  private static let salt = Data(repeating: 1, count: 16).base64EncodedString()
  private static let key = Data(repeating: 2, count: 32).base64EncodedString()
  private static let good = "SCRAM-SHA-256$4096:\(salt)$\(key):\(key)"

  @Test func `a well-formed verifier is taken as it is`() throws {
    #expect(try ScramVerifier(Self.good).text == Self.good)
  }

  @Test(arguments: [
    "", "hunter2", "md5" + String(repeating: "a", count: 32), "SCRAM-SHA-256$4096:\(salt)$\(key)",
    "SCRAM-SHA-256$10:\(salt)$\(key):\(key)", "SCRAM-SHA-256$4096:!!$\(key):\(key)",
    "SCRAM-SHA-256$4096:\(salt)$\(salt):\(key)", good + "x", " " + good, good + "$",
  ])
  func `what PostgreSQL would take as a plaintext password is never sent`(text: String) {
    let error = #expect(throws: CapabilityError.self) { try ScramVerifier(text) }
    #expect(error?.class == .unsafe)
    #expect(text.isEmpty || error?.description.contains(text) == false)
  }
}
