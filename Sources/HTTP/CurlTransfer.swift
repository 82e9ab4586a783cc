import CCurl
import Capabilities
import Foundation
import Secrets
import Synchronization

/// One exchange on one easy handle. It is configured by its creator, then belongs to the loop's thread.
///
/// Invariant for @unchecked: `init` touches it before it is submitted; afterwards only the loop's thread does.
final class CurlTransfer: @unchecked Sendable {
  typealias Answer = Result<HTTPResponse, CapabilityError>

  let easy: OpaquePointer
  let operation: String
  private let isSafe: Bool
  private let largestResponse: Int
  private let timeout: Duration
  private var fields: UnsafeMutablePointer<curl_slist>?
  private var connectTo: UnsafeMutablePointer<curl_slist>?
  private var sent: UnsafeMutableRawBufferPointer
  private var received = Data()
  private var headers: [String: String] = [:]
  private var isTooLarge = false
  private var finish: ((Answer) -> Void)?

  /// - Parameters:
  ///   - isSafe: the request changes nothing, so a broken connection is only `.network`.
  ///   - finish: called exactly once, on the loop's thread.
  init(
    _ request: HTTPRequest, at address: RequestAddress, isSafe: Bool, options: TransportOptions,
    finish: @escaping (Answer) -> Void
  ) throws(CapabilityError) {
    guard let handle = curl_easy_init() else {
      throw CapabilityError(.network, address.operation, because: "libcurl could not make a handle")
    }
    easy = OpaquePointer(handle)
    operation = address.operation
    self.isSafe = isSafe
    largestResponse = options.largestResponse
    timeout = request.timeout
    self.finish = finish
    switch request.body {
    case .none: sent = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    case .bytes(let data):
      sent = .allocate(byteCount: max(1, data.count), alignment: 1)
      sent.copyBytes(from: data)
      sent = UnsafeMutableRawBufferPointer(rebasing: sent[..<data.count])
    case .secret(let secret):
      sent = secret.withUnsafeBytes { bytes in
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        copy.copyMemory(from: bytes)
        return UnsafeMutableRawBufferPointer(rebasing: copy[..<bytes.count])
      }
    }
    configure(request, address, options)
  }

  deinit {
    curl_easy_cleanup(UnsafeMutableRawPointer(easy))
    // Header values and the body may be secrets: zero our copies. libcurl's own send buffer is out of reach.
    var node = fields
    while let current = node {
      if let text = current.pointee.data { explicit_bzero(text, strlen(text)) }
      node = current.pointee.next
    }
    curl_slist_free_all(fields)
    curl_slist_free_all(connectTo)
    if let start = sent.baseAddress {
      explicit_bzero(start, sent.count)
      start.deallocate()
    }
  }

  private func configure(_ request: HTTPRequest, _ address: RequestAddress, _ options: TransportOptions) {
    let handle = UnsafeMutableRawPointer(easy)
    func set(_ option: CURLoption, _ value: Int) { _ = staunch_curl_setopt_long(handle, option, value) }
    func set(_ option: CURLoption, _ value: String) { _ = staunch_curl_setopt_string(handle, option, value) }

    set(CURLOPT_URL, address.url)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let file = options.certificateAuthorities {
      set(CURLOPT_CAINFO, file)
      _ = staunch_curl_setopt_string(handle, CURLOPT_CAPATH, nil)
    }
    if let trust = request.trust {
      if let file = trust.authorities {
        set(CURLOPT_CAINFO, file)
        _ = staunch_curl_setopt_string(handle, CURLOPT_CAPATH, nil)
      }
      if let file = trust.certificate {
        set(CURLOPT_SSLCERT, file)
        set(CURLOPT_SSLKEY, trust.key ?? file)
      }
    }
    // An empty text turns off the environment's proxy: only the assembly reads the environment.
    set(CURLOPT_PROXY, options.proxy ?? "")
    let direct = ["localhost", "127.0.0.1", "::1", options.noProxy].compactMap { $0 }
    set(CURLOPT_NOPROXY, RequestAddress.isLoopback(address.host) ? "*" : direct.joined(separator: ","))
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    set(CURLOPT_TIMEOUT_MS, max(1, request.timeout.milliseconds))
    set(CURLOPT_CONNECTTIMEOUT_MS, max(1, min(request.timeout, .seconds(10)).milliseconds))
    set(CURLOPT_USERAGENT, options.userAgent)
    if let numeric = request.address {
      // Host name and certificate stay those of the URL; only the connection goes to this address.
      connectTo = curl_slist_append(nil, numeric.contains(":") ? "::[\(numeric)]:" : "::\(numeric):")
      _ = staunch_curl_setopt_pointer(handle, CURLOPT_CONNECT_TO, connectTo)
    }
    if request.isOnFreshConnection {
      set(CURLOPT_FRESH_CONNECT, 1)
      set(CURLOPT_FORBID_REUSE, 1)
    }
    if !isSafe {
      // On a reused connection that dies without an answer libcurl sends the request again by itself
      // (Curl_retry_request), which must never happen to a request with an effect.
      set(CURLOPT_FRESH_CONNECT, 1)
    }
    configureMethod(request)
    configureHeaders(request)
    configureAnswer()
  }

  private func configureMethod(_ request: HTTPRequest) {
    let handle = UnsafeMutableRawPointer(easy)
    if case .none = request.body {
      switch request.method {
      case .get: _ = staunch_curl_setopt_long(handle, CURLOPT_HTTPGET, 1)
      case .head: _ = staunch_curl_setopt_long(handle, CURLOPT_NOBODY, 1)
      case .post:
        _ = staunch_curl_setopt_long(handle, CURLOPT_POST, 1)
        _ = staunch_curl_setopt_off(handle, CURLOPT_POSTFIELDSIZE_LARGE, 0)
      case .options, .put, .patch, .delete:
        _ = staunch_curl_setopt_string(handle, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
      }
    } else {
      _ = staunch_curl_setopt_off(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(sent.count))
      _ = staunch_curl_setopt_pointer(handle, CURLOPT_POSTFIELDS, sent.baseAddress)
      _ = staunch_curl_setopt_string(handle, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
    }
  }

  private func configureHeaders(_ request: HTTPRequest) {
    append(name: "Expect", value: [])  // no "100-continue": one write, one answer
    for (name, value) in request.headers {
      switch value {
      case .text(let text): append(name: name, value: Array(text.utf8))
      case .secret(let prefix, let secret): append(name: name, value: Array(prefix.utf8), secret)
      }
    }
    _ = staunch_curl_setopt_pointer(UnsafeMutableRawPointer(easy), CURLOPT_HTTPHEADER, fields)
  }

  /// Adds `name: value` to the list; the line is zeroed after libcurl has copied it.
  private func append(name: String, value: [UInt8], _ secret: Secret? = nil) {
    let head = Array((name + ":" + (value.isEmpty && secret == nil ? "" : " ")).utf8) + value
    let count = head.count + (secret?.withUnsafeBytes(\.count) ?? 0)
    let line = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 1, alignment: 1)
    defer { line.deallocate() }
    line.copyBytes(from: head)
    secret?.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(rebasing: line[head.count..<count]).copyMemory(from: bytes)
    }
    line[count] = 0
    // A line break would add a header of the value's choosing.
    for index in 0..<count where line[index] == 0x0A || line[index] == 0x0D { line[index] = 0x20 }
    if let start = line.baseAddress {
      let text = start.assumingMemoryBound(to: CChar.self)
      fields = curl_slist_append(fields, text) ?? fields
      explicit_bzero(start, count)
    }
  }

  private func configureAnswer() {
    let handle = UnsafeMutableRawPointer(easy)
    // Unretained: the loop keeps self until the handle is removed.
    let context = Unmanaged.passUnretained(self).toOpaque()
    _ = staunch_curl_setopt_pointer(handle, CURLOPT_WRITEDATA, context)
    _ = staunch_curl_setopt_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
      return transfer.receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    _ = staunch_curl_setopt_pointer(handle, CURLOPT_HEADERDATA, context)
    _ = staunch_curl_setopt_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
      transfer.receiveHeader(
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self))
      return size * count
    }
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard received.count + bytes.count <= largestResponse else {
      isTooLarge = true
      return 0
    }
    received.append(contentsOf: bytes)
    return bytes.count
  }

  private func receiveHeader(_ line: String) {
    if line.hasPrefix("HTTP/") {  // the status line: of an interim answer, of a proxy, then of the answer
      headers = [:]
      return
    }
    guard let colon = line.firstIndex(of: ":") else { return }
    let name = line[..<colon].lowercased()
    let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
    headers[name] = headers[name].map { $0 + ", " + value } ?? value
  }

  /// Ends the exchange with what libcurl said. Called on the loop's thread.
  func end(with code: CURLcode) {
    if code == CURLE_OK {
      var status = 0
      _ = staunch_curl_getinfo_long(UnsafeMutableRawPointer(easy), CURLINFO_RESPONSE_CODE, &status)
      complete(.success(HTTPResponse(status: status, headers: headers, body: received)))
    } else {
      complete(
        .failure(
          CurlFailure(code, wasSent: wasSent, isTooLarge: isTooLarge).error(
            operation, isSafe: isSafe, timeout: timeout)))
    }
  }

  /// Ends the exchange because its task was cancelled or the transport is going away.
  func cancel() {
    complete(.failure(CurlFailure.cancelled(operation, isSafe: isSafe, wasSent: wasSent)))
  }

  private func complete(_ answer: Answer) {
    finish?(answer)
    finish = nil
  }

  /// Whether a byte of the request may have reached the server.
  private var wasSent: Bool {
    var pretransfer: curl_off_t = 0
    var size = 0
    _ = staunch_curl_getinfo_off(UnsafeMutableRawPointer(easy), CURLINFO_PRETRANSFER_TIME_T, &pretransfer)
    _ = staunch_curl_getinfo_long(UnsafeMutableRawPointer(easy), CURLINFO_REQUEST_SIZE, &size)
    return pretransfer > 0 || size > 0
  }
}
