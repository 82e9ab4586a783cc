import Capabilities
import Testing

@testable import CredentialProviders

@Suite struct ClientAddressesTests {
  private static let target = TargetConfiguration(
    name: "cache", kind: "redis", settings: [:], position: "staunch.yaml:1:1")

  @Test(arguments: [
    ("10.1.0.0/16", "10.1.255.3", true), ("10.1.0.0/16", "10.2.0.1", false), ("192.0.2.7", "192.0.2.7", true),
    ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "203.0.113.9", true), ("10.1.2.3/32", "10.1.2.3", true),
    ("2001:DB8::1", "2001:db8::1", true), ("2001:db8::1", "10.0.0.1", false), ("10.0.0.0/8", "::1", false),
    ("10.0.0.0/8", "no address", false),
  ])
  func `an address is expected when a range holds it`(range: String, address: String, expected: Bool) throws {
    #expect(try ClientAddresses([range], of: Self.target).contains(address) == expected)
  }

  @Test(arguments: ["10.1.0.0/33", "10.1.0/16", "2001:db8::/32", "trainer.example", "", "10.1.0.0/16/8"])
  func `what is no address or network is refused, with an example`(text: String) {
    let error = #expect(throws: CapabilityError.self) { try ClientAddresses([text], of: Self.target) }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("10.1.0.0/16") == true)
  }
}
