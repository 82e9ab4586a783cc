import Foundation

/// Whether a host is this machine, by how it is written: to every other one no password goes without TLS.
enum ThisMachine {
  /// `127.0.0.1.example.com` is a name, which leads to wherever its owner says.
  static func isMeant(by host: String) -> Bool {
    if host == "localhost" || host == "::1" || host.hasPrefix("/") { return true }
    var address = in_addr()
    let isAddress = unsafe inet_pton(AF_INET, host, &address) == 1
    return host.hasPrefix("127.") && isAddress
  }
}
