import Foundation

/// The addresses behind a host name. Source: getaddrinfo(3).
enum HostAddresses {
  /// False for an address, and for this machine.
  static func hasSeveral(_ host: String) -> Bool {
    let bare = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    if bare.isEmpty || RequestAddress.isLoopback(bare.lowercased()) { return false }
    var four = in_addr()
    var six = in6_addr()
    return inet_pton(AF_INET, bare, &four) != 1 && inet_pton(AF_INET6, bare, &six) != 1
  }

  /// Blocks. Empty when the name cannot be resolved: the exchange itself then says so. Families that this machine has no
  /// address of are left out.
  static func all(of host: String) -> [String] {
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
