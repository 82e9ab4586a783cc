import Dispatch
import Foundation

/// The addresses behind a host name. Source: getaddrinfo(3).
public enum HostAddresses {
  /// False for a socket's directory, an address, and this machine, whose two loopback addresses are one server.
  public static func hasSeveral(_ host: String) -> Bool {
    let bare = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")).lowercased()
    if bare.isEmpty || bare.hasPrefix("/") || bare == "localhost" { return false }
    var four = in_addr()
    var six = in6_addr()
    return inet_pton(AF_INET, bare, &four) != 1 && inet_pton(AF_INET6, bare, &six) != 1
  }

  /// All of them; empty when the name cannot be resolved. Families that this machine has no address of are left out.
  public static func all(of host: String) async -> [String] {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: resolve(host)) }
    }
  }

  /// Blocks.
  private static func resolve(_ host: String) -> [String] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [String] = []
    var entry = list
    while let current = entry {
      let room = 1025  // NI_MAXHOST
      var text = [CChar](repeating: 0, count: room)
      let code = getnameinfo(
        current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(room), nil, 0,
        NI_NUMERICHOST)
      let address = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      if code == 0, !found.contains(address) { found.append(address) }
      entry = current.pointee.ai_next
    }
    return found
  }
}
