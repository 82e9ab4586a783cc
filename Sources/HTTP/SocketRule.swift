import CCurl
import Foundation

/// Opens the sockets of one handle: never for a child process, and for a stranger's host to public addresses only.
///
/// The address is looked at here, where it is connected to: what a name meant a moment before says nothing.
/// Touched on the loop's thread only.
final class SocketRule {
  private let isPublicOnly: Bool
  /// An address was left out.
  private(set) var wasForbidden = false

  init(isPublicOnly: Bool) { self.isPublicOnly = isPublicOnly }

  /// Unretained: who owns the handle keeps this as long. - Returns: what libcurl says to it.
  func open(on handle: UnsafeMutableRawPointer) -> CURLcode {
    let code = staunch_curl_setopt_pointer(
      handle, CURLOPT_OPENSOCKETDATA, Unmanaged.passUnretained(self).toOpaque())
    guard code == CURLE_OK else { return code }
    return staunch_curl_setopt_socket(handle, CURLOPT_OPENSOCKETFUNCTION) { context, _, address in
      guard let context, let address else { return -1 }
      let rule = Unmanaged<SocketRule>.fromOpaque(context).takeUnretainedValue()
      guard !rule.isPublicOnly || PublicAddress.contains(SocketRule.bytes(of: address)) else {
        rule.wasForbidden = true
        return -1  // CURL_SOCKET_BAD: libcurl goes on to the next address
      }
      return socket(
        address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
        address.pointee.protocol)
    }
  }

  /// Empty for a family that is neither IPv4 nor IPv6: no public address.
  private static func bytes(of address: UnsafeMutablePointer<curl_sockaddr>) -> [UInt8] {
    guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return [] }
    // libcurl's own structure is longer than the declared one: the address stands there whole, `addrlen` bytes of it.
    let whole = UnsafeRawBufferPointer(
      start: UnsafeRawPointer(address) + offset, count: Int(address.pointee.addrlen))
    switch (address.pointee.family, whole.count) {
    case (AF_INET, MemoryLayout<sockaddr_in>.size...):
      return withUnsafeBytes(of: whole.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
    case (AF_INET6, MemoryLayout<sockaddr_in6>.size...):
      return withUnsafeBytes(of: whole.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
    default: return []
    }
  }
}
