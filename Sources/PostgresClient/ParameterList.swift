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

  init(_ login: SQLLogin, certificateAuthorities: String?) {
    add("host", login.host)
    if let address = login.address { add("hostaddr", address) }
    add("port", "\(login.port)")
    add("dbname", login.database)
    add("user", login.user)
    add("sslmode", login.tls)
    if let certificateAuthorities { add("sslrootcert", certificateAuthorities) }
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
