import Testing

@testable import HTTP

@Suite struct ProxyExceptionsTests {
  @Test(arguments: [
    ("example.org", "example.org"), ("example.org", "api.example.org"), (".example.org", "example.org"),
    ("example.org", "EXAMPLE.org."), ("Example.ORG.", "api.example.org"), ("*", "anything.test"),
    ("a.test, b.test", "b.test"), ("a.test b.test", "b.test"), ("10.0.0.0/8", "10.255.1.2"),
    ("10.1.2.3", "10.1.2.3"), ("192.168.4.0/22", "192.168.7.9"), ("fd00::/8", "fd12::1"),
    ("[fd12::1]", "fd12:0::1"), ("0.0.0.0/0", "8.8.8.8"),
  ])
  func `is reached without the proxy`(list: String, host: String) {
    #expect(ProxyExceptions(list).contains(host))
  }

  @Test(arguments: [
    ("example.org", "badexample.org"), ("example.org", "example.org.test"),
    ("api.example.org", "example.org"),
    ("", "example.org"), (",", "example.org"), (".", "example.org"), ("*.example.org", "org"),
    ("10.0.0.0/8", "11.0.0.1"), ("10.0.0.0/33", "10.0.0.0"), ("10.0.0.0/", "10.0.0.1"),
    ("192.168.4.0/22", "192.168.8.1"), ("0.0.0.0/0", "::1"), ("2.3", "10.1.2.3"), ("fd00::/8", "fe80::1"),
  ])
  func `goes through the proxy`(list: String, host: String) {
    #expect(!ProxyExceptions(list).contains(host))
  }

  @Test func `without a list nothing goes around the proxy but loopback`() {
    let options = TransportOptions(proxy: "http://proxy.test:3128")
    #expect(options.proxy(for: "example.org") == "http://proxy.test:3128")
    for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] { #expect(options.proxy(for: host) == nil) }
    #expect(TransportOptions(proxy: "").proxy(for: "example.org") == nil)
    var changed = options
    changed.noProxy = "example.org"
    #expect(changed.proxy(for: "example.org") == nil)
  }
}
