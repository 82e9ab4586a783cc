import CMariaDB
import Capabilities
import Foundation

/// How the library may prove a password. The server chooses, so whoever answers at the address does: left to itself the
/// library sends the password in clear when it is asked to (`mysql_clear_password`, `dialog`).
///
/// A plugin that cannot be loaded is left out: the library reports that as 1045, the very number of a server's refusal.
enum AuthenticationMethods {
  /// A comma-separated list for `MARIADB_OPT_RESTRICTED_AUTH`.
  /// - Parameter isTrusted: nobody in between can be met: a certificate is checked, or it is a socket of this machine.
  static func allowed(_ handle: UnsafeMutablePointer<MYSQL>, isTrusted: Bool) -> String {
    // These two show no password; `caching_sha2_password` sends it, encrypted for whoever holds the key.
    var names = ["mysql_native_password"]
    if isThere("client_ed25519", handle) { names.append("client_ed25519") }
    if isTrusted, isThere("caching_sha2_password", handle) { names.append("caching_sha2_password") }
    return names.joined(separator: ",")
  }

  private static func isThere(_ name: String, _ handle: UnsafeMutablePointer<MYSQL>) -> Bool {
    loading.lock()
    defer { loading.unlock() }
    return mysql_client_find_plugin(handle, name, 2) != nil
  }

  private static let loading = NSLock()

  /// The machine's own list of authorities: the library has no default.
  static let systemAuthorities = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
  ].first { FileManager.default.isReadableFile(atPath: $0) }
}
