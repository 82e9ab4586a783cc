import Testing

@testable import HTTP

@Suite struct PublicAddressTests {
  @Test(arguments: [
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1", "2a00:1450::8", "[2600::1]",
  ])
  func `is public`(address: String) throws {
    #expect(PublicAddress.contains(try #require(AddressRange.bytes(of: address))))
    #expect(PublicAddress.mayBe(host: address))
  }

  @Test(arguments: [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.53", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "192.0.0.8", "198.19.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::",
    "::1", "::ffff:8.8.8.8", "::7f00:1", "fe80::1", "fd00::1", "ff02::1", "64:ff9b::a00:1", "2001::1",
    "2001:db8::1", "2002:a00:1::", "[::1]",
  ])
  func `is not public`(address: String) throws {
    #expect(!PublicAddress.contains(try #require(AddressRange.bytes(of: address))))
    #expect(!PublicAddress.mayBe(host: address))
  }

  @Test func `a name may be public until its addresses are known`() {
    for name in ["api.example.org", "1password.example", "x0x.test", "a1"] {
      #expect(PublicAddress.mayBe(host: name))
    }
    for name in [
      "localhost", "LOCALHOST", "a.localhost", "1", "1.2", "10.1", "0x0a000001", "a.0x1", "example.1", "",
      ".",
    ] {
      #expect(!PublicAddress.mayBe(host: name), "\(name)")
    }
    #expect(!PublicAddress.contains([]))
  }
}
