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
  static func allowed(isTrusted: Bool) -> String {
    // Of these only `caching_sha2_password` sends the password, encrypted for whoever holds the key.
    let names = ["mysql_native_password", "client_ed25519"] + (isTrusted ? ["caching_sha2_password"] : [])
    return names.filter(present.contains).joined(separator: ",")
  }

  /// Asked on a handle of its own: what is not there leaves that 1045 on it.
  private static let present: Set<String> = {
    guard let probe = mysql_init(nil) else { return ["mysql_native_password"] }
    defer { mysql_close(probe) }
    let authentication: Int32 = 2
    let optional: [String] = ["client_ed25519", "caching_sha2_password"]
    let found = optional.filter { name in mysql_client_find_plugin(probe, name, authentication) != nil }
    return Set(["mysql_native_password"] + found)
  }()

  /// The machine's own list of authorities: the library has no default.
  static let systemAuthorities = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
  ].first { FileManager.default.isReadableFile(atPath: $0) }
}
