import Foundation

/// What limits count as one client: an IPv4 address, or an IPv6 network of 64 bits, of which one customer has all addresses
/// (RFC 6177).
enum ClientNetwork {
  /// - Parameter address: text of an address; anything else counts as it is.
  static func of(_ address: String) -> String {
    guard address.contains(":") else { return address }
    var bytes = in6_addr()
    guard inet_pton(AF_INET6, String(address.prefix { $0 != "%" }), &bytes) == 1 else { return address }
    return withUnsafeBytes(of: &bytes) { bytes in
      bytes.prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() + "/64"
    }
  }
}
