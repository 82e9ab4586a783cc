import Foundation

/// Hosts that are reached without the proxy, as NO_PROXY names them.
///
/// Source: https://curl.se/libcurl/c/CURLOPT_NOPROXY.html, whose rules these are.
struct ProxyExceptions: Sendable {
  private var isAll = false
  /// Lower case, without a dot at either end.
  private var names: [String] = []
  private var networks: [(bytes: [UInt8], bits: Int)] = []

  /// - Parameter text: separated by commas or blanks; nil: none.
  init(_ text: String?) {
    for part in (text ?? "").lowercased().split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      if part == "*" {
        isAll = true
      } else if let network = Self.network(part) {
        networks.append(network)
      } else {
        names.append(Self.bare(part))
      }
    }
  }

  /// - Parameter host: a name, or an address without brackets.
  func contains(_ host: String) -> Bool {
    if isAll { return true }
    if let address = Self.bytes(host) {
      return networks.contains { Self.share($0.bytes, address, bits: $0.bits) }
    }
    let host = Self.bare(host.lowercased())
    return names.contains { !$0.isEmpty && (host == $0 || host.hasSuffix("." + $0)) }
  }

  private static func bare(_ name: some StringProtocol) -> String {
    name.trimmingCharacters(in: CharacterSet(charactersIn: "."))
  }

  /// `10.0.0.0/8`, `fd00::/8`, `[::1]`; an address alone is a network of one.
  private static func network(_ text: Substring) -> (bytes: [UInt8], bits: Int)? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first,
      let address = bytes(first.trimmingCharacters(in: CharacterSet(charactersIn: "[]")))
    else { return nil }
    guard parts.count == 2 else { return (address, address.count * 8) }
    guard let bits = Int(parts[1]), (0...address.count * 8).contains(bits) else { return nil }
    return (address, bits)
  }

  private static func bytes(_ address: String) -> [UInt8]? {
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      if inet_pton(family, address, &bytes) == 1 { return bytes }
    }
    return nil
  }

  private static func share(_ one: [UInt8], _ other: [UInt8], bits: Int) -> Bool {
    guard one.count == other.count else { return false }
    let whole = bits / 8
    guard one.prefix(whole) == other.prefix(whole) else { return false }
    let rest = bits % 8
    return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0
  }
}
