import Capabilities
import Foundation
import Secrets

/// libpq's keyword and value arrays; the values, of which one is a password, are zeroed when it goes.
///
/// Invariant for @unchecked: the buffers are written in `init` and only read afterwards.
final class ParameterList: @unchecked Sendable {
  private var owned: [UnsafeMutableRawBufferPointer] = []
  private(set) var keywords: [UnsafePointer<CChar>?] = []
  private(set) var values: [UnsafePointer<CChar>?] = []

  /// - Parameter pinned: how long a statement may take, for a session that runs statements; nil: only a login is tried.
  init(_ login: SQLLogin, certificateAuthorities: String?, pinned: Duration?) {
    add("host", login.host)
    if let address = login.address { add("hostaddr", address) }
    add("port", "\(login.port)")
    add("dbname", login.database)
    add("user", login.user)
    add("sslmode", login.tls)
    if let authorities = certificateAuthorities ?? Self.systemAuthorities(login.tls) {
      add("sslrootcert", authorities)
    }
    if let pinned { add("options", PinnedSettings.options(statementTimeout: pinned)) }
    // SCRAM (and MD5 where the login takes it), or no question for a password at all (which tells nothing, and is said).
    if login.password != nil, AuthenticationRequest.isKnownToLibrary {
      add("require_auth", login.takesMD5 ? "scram-sha-256,md5,none" : "scram-sha-256,none")
    }
    add("gssencmode", "disable")  // no Kerberos ticket of the runner's user
    add("passfile", "/dev/null/none")  // a path that cannot exist: ~/.pgpass is not ours to read
    add("application_name", "staunch")
    add("client_encoding", "UTF8")
    add("target_session_attrs", "any")
    if let password = login.password {
      keywords.append(text(Array("password".utf8)))
      values.append(password.withUnsafeBytes { text($0) })
    }
    keywords.append(nil)
    values.append(nil)
  }

  /// The machine's own list, where the user keeps none for libpq: `verify-full` has to work without a file of one's own.
  private static func systemAuthorities(_ tls: String) -> String? {
    guard tls.hasPrefix("verify-") else { return nil }
    let own = FileManager.default.homeDirectoryForCurrentUser.path + "/.postgresql/root.crt"
    guard !FileManager.default.fileExists(atPath: own) else { return nil }
    return ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
      .first { FileManager.default.isReadableFile(atPath: $0) }
  }

  deinit {
    for buffer in owned {
      if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
      buffer.deallocate()
    }
  }

  private func add(_ keyword: String, _ value: String) {
    keywords.append(text(Array(keyword.utf8)))
    values.append(text(Array(value.utf8)))
  }

  private func text(_ bytes: some Collection<UInt8>) -> UnsafePointer<CChar>? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
    buffer.copyBytes(from: bytes)
    buffer[bytes.count] = 0
    owned.append(buffer)
    return buffer.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }
  }
}
