import Foundation

/// A numeric address or a network of them: `10.0.0.0/8`, `fd00::/8`, `[::1]`.
struct AddressRange: Sendable {
  private let bytes: [UInt8]
  private let bits: Int

  /// - Returns: nil for anything else.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let bytes = Self.bytes(of: first) else { return nil }
    self.bytes = bytes
    guard parts.count == 2 else {
      bits = bytes.count * 8
      return
    }
    guard let bits = Int(parts[1]), (0...bytes.count * 8).contains(bits) else { return nil }
    self.bits = bits
  }

  /// - Parameter address: four bytes or sixteen; never in a range of the other family.
  func contains(_ address: [UInt8]) -> Bool {
    guard address.count == bytes.count else { return false }
    let whole = bits / 8
    guard address.prefix(whole) == bytes.prefix(whole) else { return false }
    let rest = bits % 8
    return rest == 0 || (address[whole] ^ bytes[whole]) >> (8 - rest) == 0
  }

  /// The bytes of a numeric address, with or without brackets; nil for a name.
  static func bytes(of address: some StringProtocol) -> [UInt8]? {
    let bare = address.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      if inet_pton(family, bare, &bytes) == 1 { return bytes }
    }
    return nil
  }
}

/// What belongs to the Internet: everything else is this machine, its network, or nobody's.
///
/// Source: IANA's registries of special-purpose addresses (RFC 6890), "globally reachable: false", and those in which
/// another address hides (6to4, Teredo, NAT64).
enum PublicAddress {
  private static let inside = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
  ].compactMap { AddressRange($0) }
  /// The only block of IPv6 that is given out (RFC 4291 §2.5.4).
  private static let given = AddressRange("2000::/3")

  /// - Parameter address: four bytes or sixteen.
  static func contains(_ address: [UInt8]) -> Bool {
    guard address.count == 4 || given?.contains(address) == true else { return false }
    return !inside.contains { $0.contains(address) }
  }

  /// Whether a URL's host may be tried: a name, whose addresses are looked at when it is known, or a public address. Other
  /// spellings of a number (`2130706433`, `0x7f.1`) are no names (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  static func mayBe(host: String) -> Bool {
    if let bytes = AddressRange.bytes(of: host) { return contains(bytes) }
    let labels = host.split(separator: ".")
    guard let last = labels.last, host.lowercased() != "localhost", last.lowercased() != "localhost" else {
      return false
    }
    return !last.allSatisfy(\.isNumber) && !last.lowercased().hasPrefix("0x")
  }
}
