import CLibssl
import Capabilities
import Foundation

/// TLS between our text and the bytes of a socket, as a client that sends nothing before chain and name fit.
///
/// OpenSSL sees no socket: its own writes would raise SIGPIPE, and its waits could not be ended. Not for two threads at once.
/// Sources: https://docs.openssl.org/3.0/man3/SSL_set1_host/, …/BIO_s_mem/, …/SSL_get_error/
final class SecureLayer {
  private let context: OpaquePointer
  private let session: OpaquePointer
  /// What comes from the socket, and what goes to it. They belong to `session`.
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer

  init(_ tls: RedisLogin.TLS) throws(LineFailure) {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw .noTLS }
    guard let session = SSL_new(context), let incoming = BIO_new(BIO_s_mem()),
      let outgoing = BIO_new(BIO_s_mem())
    else {
      SSL_CTX_free(context)
      throw .noTLS
    }
    SSL_set_bio(session, incoming, outgoing)
    self.context = context
    self.session = session
    self.incoming = incoming
    self.outgoing = outgoing
    // From here on `deinit` frees them.
    try configure(tls)
  }

  deinit {
    SSL_free(session)
    SSL_CTX_free(context)
  }

  private func configure(_ tls: RedisLogin.TLS) throws(LineFailure) {
    ERR_clear_error()
    let store = SSL_CTX_get_cert_store(context)
    // An authority that was given is believed by itself, whoever has signed it.
    let isRead =
      if let file = tls.authorities { SSL_CTX_load_verify_file(context, file) } else {
        SSL_CTX_set_default_verify_paths(context)
      }
    guard isRead == 1, X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1 else {
      throw .noAuthorities
    }
    SSL_set_verify(session, SSL_VERIFY_PEER, nil)
    if let certificate = tls.certificate {
      // A key under a password would be asked for at the terminal.
      SSL_set_default_passwd_cb(session) { _, _, _, _ in 0 }
      guard SSL_use_certificate_chain_file(session, certificate) == 1,
        SSL_use_PrivateKey_file(session, tls.key ?? certificate, SSL_FILETYPE_PEM) == 1
      else { throw .noClientCertificate }
    }
    // As `SSL_set_min_proto_version`, `SSL_set_mode` and `SSL_set_tlsext_host_name`, which are macros.
    var isSet = SSL_ctrl(session, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil) == 1
    SSL_set_options(session, UInt64(1) << 30)  // SSL_OP_NO_RENEGOTIATION
    if Self.isAddress(tls.name) {
      isSet = isSet && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), tls.name) == 1
    } else {
      isSet = isSet && SSL_set1_host(session, tls.name) == 1
      var name = Array(tls.name.utf8CString)
      let type = Int(TLSEXT_NAMETYPE_host_name)
      isSet = isSet && SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, type, &name) == 1
    }
    guard isSet else { throw .untrusted("the name cannot be one of a certificate") }
    SSL_set_connect_state(session)
  }

  /// Digits and dots, or with a colon: an IPv4 or IPv6 address, which no host name looks like.
  private static func isAddress(_ name: String) -> Bool {
    name.contains(":") || name.allSatisfy { $0 == "." || ("0"..."9").contains($0) }
  }

  /// - Parameters:
  ///   - send: takes all that it gets.
  ///   - receive: brings at least one byte.
  func handshake(
    send: ([UInt8]) throws(LineFailure) -> Void, receive: () throws(LineFailure) -> [UInt8]
  ) throws(LineFailure) {
    while true {
      ERR_clear_error()
      let result = SSL_do_handshake(session)
      let error = SSL_get_error(session, result)
      guard result == 1 || error == SSL_ERROR_WANT_READ else {
        let verdict = SSL_get_verify_result(session)
        guard verdict != Int(X509_V_OK) else { throw .noTLS }
        throw .untrusted(String(cString: X509_verify_cert_error_string(verdict)))
      }
      try flush(send)
      if result == 1 { return }
      do throws(LineFailure) { take(try receive()) } catch {
        // Whoever hangs up on a greeting speaks something else.
        if case .broken = error { throw .noTLS }
        throw error
      }
    }
  }

  func write(_ text: UnsafeRawBufferPointer, send: ([UInt8]) throws(LineFailure) -> Void) throws(LineFailure)
  {
    guard !text.isEmpty else { return }
    ERR_clear_error()
    // Into memory it is never half written.
    guard SSL_write(session, text.baseAddress, Int32(clamping: text.count)) == Int32(clamping: text.count)
    else { throw .broken }
    try flush(send)
  }

  /// - Returns: at least one byte.
  func read(
    send: ([UInt8]) throws(LineFailure) -> Void, receive: () throws(LineFailure) -> [UInt8]
  ) throws(LineFailure) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      ERR_clear_error()
      let count = SSL_read(session, &room, Int32(room.count))
      let error = SSL_get_error(session, count)
      // An answer of TLS's own, to a change of keys.
      try flush(send)
      if count > 0 { return Array(room.prefix(Int(count))) }
      guard error == SSL_ERROR_WANT_READ else { throw .broken }
      take(try receive())
    }
  }

  private func take(_ bytes: [UInt8]) {
    // Memory takes all of it.
    _ = BIO_write(incoming, bytes, Int32(clamping: bytes.count))
  }

  private func flush(_ send: ([UInt8]) throws(LineFailure) -> Void) throws(LineFailure) {
    let count = BIO_ctrl_pending(outgoing)
    guard count > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: count)
    let read = BIO_read(outgoing, &bytes, Int32(clamping: count))
    guard read == Int32(clamping: count) else { throw .broken }
    try send(bytes)
  }
}
