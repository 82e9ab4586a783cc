import CLibpq
import Foundation

/// Looks at what the server asks for before libpq answers: a password in clear, or its MD5, goes to nobody.
///
/// libpq 16 has `require_auth`; before that libpq answers whatever is asked, so whoever answers at the address (a
/// program on the port of a server that is down, a machine in between) gets the password. The bytes are only peeked
/// at, so libpq reads them afterwards. What arrives between the two reads is not seen: that is why `verify-full` is
/// the default for another machine. Source: https://www.postgresql.org/docs/15/protocol-message-formats.html
enum AuthenticationRequest {
  enum Finding: Equatable {
    /// Nothing that needs an answer, or SCRAM.
    case harmless
    /// Too few bytes to tell.
    case incomplete
    /// A password in clear or its MD5, something older, or nothing that a server says here.
    case weak
  }

  /// Whether this libpq can be told itself.
  static let isKnownToLibrary: Bool = {
    guard let options = PQconndefaults() else { return false }
    defer { PQconninfoFree(options) }
    var next = options
    while let keyword = next.pointee.keyword {
      if strcmp(keyword, "require_auth") == 0 { return true }
      next += 1
    }
    return false
  }()

  /// What the unread bytes of `connection` hold. - Parameter takesMD5: a question for it is harmless.
  static func peek(_ connection: OpaquePointer, takesMD5: Bool) -> Finding {
    switch PQstatus(connection) {
    case CONNECTION_SSL_STARTUP where PQsslInUse(connection) == 0:
      // One byte answers the question for TLS; more behind a "no" would reach libpq's buffer unseen.
      let bytes = read(connection)
      return bytes.count > 1 && bytes[0] == UInt8(ascii: "N") ? .weak : .harmless
    case CONNECTION_AWAITING_RESPONSE: return finding(in: read(connection), takesMD5: takesMD5)
    default: return .harmless
    }
  }

  /// Judges complete messages. An end of the connection (no bytes) is libpq's to report.
  static func finding(in bytes: [UInt8], takesMD5: Bool = false) -> Finding {
    var rest = bytes[...]
    while let type = rest.first {
      guard ["R", "E", "N", "v"].contains(Character(UnicodeScalar(type))) else { return .weak }
      guard rest.count >= 5 else { return .incomplete }
      let start = rest.startIndex
      let length = number(rest[(start + 1)..<(start + 5)])
      guard (4...30_000).contains(length) else { return .weak }
      guard rest.count >= 1 + length else { return .incomplete }
      if type == UInt8(ascii: "R") {
        guard length >= 8 else { return .weak }
        switch number(rest[(start + 5)..<(start + 9)]) {
        case 0: return .harmless  // let in; the password is not asked for any more
        case 10, 11, 12: break  // SASL: SCRAM proves the password and does not show it
        case 5 where takesMD5: break
        default: return .weak
        }
      }
      rest = rest.dropFirst(1 + length)
    }
    return .harmless
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }

  private typealias SSLPeek =
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32) -> Int32
  private typealias SSLError = @convention(c) (UnsafeMutableRawPointer?, Int32) -> Int32

  /// OpenSSL's own peek: libpq brought the library into the process. Nil: it is not there, and nothing can be seen.
  private static let openSSL: (peek: SSLPeek, error: SSLError)? = {
    let program = dlopen(nil, RTLD_LAZY)
    guard let peek = dlsym(program, "SSL_peek"), let error = dlsym(program, "SSL_get_error") else {
      return nil
    }
    return (unsafeBitCast(peek, to: SSLPeek.self), unsafeBitCast(error, to: SSLError.self))
  }()

  private static func read(_ connection: OpaquePointer) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 32_768)
    let count: Int
    if PQsslInUse(connection) == 1 {
      // No byte that a server says first: what cannot be looked at is not answered.
      guard let openSSL, let handle = PQsslStruct(connection, "OpenSSL") else { return [0] }
      let peeked = openSSL.peek(handle, &buffer, Int32(buffer.count))
      // 2, SSL_ERROR_WANT_READ: nothing decrypted yet (a ticket, half a record), which is the beginning of an answer.
      if peeked <= 0 { return openSSL.error(handle, peeked) == 2 ? [UInt8(ascii: "R")] : [] }
      count = Int(peeked)
    } else {
      count = recv(PQsocket(connection), &buffer, buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    }
    return Array(buffer.prefix(max(0, count)))
  }
}
