import Foundation

/// Hosts that are reached without the proxy, as NO_PROXY names them.
///
/// Source: https://curl.se/libcurl/c/CURLOPT_NOPROXY.html, whose rules these are.
struct ProxyExceptions: Sendable {
  private var isAll = false
  /// Lower case, without a dot at either end.
  private var names: [String] = []
  private var networks: [AddressRange] = []

  /// - Parameter text: separated by commas or blanks; nil: none.
  init(_ text: String?) {
    for part in (text ?? "").lowercased().split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      if part == "*" {
        isAll = true
      } else if let network = AddressRange(part) {
        networks.append(network)
      } else {
        names.append(Self.bare(part))
      }
    }
  }

  /// - Parameter host: a name, or an address without brackets.
  func contains(_ host: String) -> Bool {
    if isAll { return true }
    if let address = AddressRange.bytes(of: host) { return networks.contains { $0.contains(address) } }
    let host = Self.bare(host.lowercased())
    return names.contains { !$0.isEmpty && (host == $0 || host.hasSuffix("." + $0)) }
  }

  private static func bare(_ name: some StringProtocol) -> String {
    name.trimmingCharacters(in: CharacterSet(charactersIn: "."))
  }
}
