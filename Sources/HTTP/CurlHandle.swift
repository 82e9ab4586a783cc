import CCurl
import Capabilities
import Foundation
import Secrets

/// One easy handle of libcurl with everything that it reads, for one exchange. It belongs to the loop's thread.
final class CurlHandle {
  let easy: OpaquePointer
  private let answer: CurlAnswer
  private let sockets: SocketRule
  private var fields: UnsafeMutablePointer<curl_slist>?
  private var connectTo: UnsafeMutablePointer<curl_slist>?
  /// What libcurl reads in our memory: the body, certificates, a key.
  private var buffers: [WipedBuffer] = []
  /// The first setting that libcurl did not take.
  private var problem = CURLE_OK
  /// A secret of a header that cannot go as it is.
  private var isUnsendable = false

  private var handle: UnsafeMutableRawPointer { UnsafeMutableRawPointer(easy) }

  /// - Throws: `.network` when libcurl is out of memory, `.configuration` when it cannot do what is asked, `.invalid` for a secret
  ///   that no header can hold: what would be sent is another one, and its refusal would be taken for this one's.
  init(_ question: CurlQuestion) throws(CapabilityError) {
    guard let made = curl_easy_init() else {
      throw CapabilityError(
        .network, question.address.operation, because: "libcurl could not make a handle")
    }
    easy = OpaquePointer(made)
    answer = CurlAnswer(largestBody: question.options.largestResponse)
    // A proxy is the operator's own, and its rules say where it goes.
    sockets = SocketRule(
      isPublicOnly: question.request.isToPublicAddressOnly
        && question.options.proxy(for: question.address.host) == nil)
    configure(question)
    guard !isUnsendable else {
      throw CapabilityError(
        .invalid, question.address.operation,
        because: "the credential holds a line break or a zero byte, so no header can hold it")
    }
    guard problem == CURLE_OK else {
      throw CapabilityError(
        .configuration, question.address.operation,
        because: "this libcurl cannot do it (\(String(cString: curl_easy_strerror(problem))))",
        fix: "install libcurl 7.88 or newer with OpenSSL")
    }
  }

  deinit {
    curl_easy_cleanup(handle)
    // Header values may be secrets: zero our copies. libcurl's own send buffer is out of reach.
    var node = fields
    while let current = node {
      if let text = current.pointee.data { explicit_bzero(text, strlen(text)) }
      node = current.pointee.next
    }
    curl_slist_free_all(fields)
    curl_slist_free_all(connectTo)
  }

  // MARK: what came of it

  /// The whole answer, after libcurl's yes.
  var response: HTTPResponse {
    HTTPResponse(
      status: information(CURLINFO_RESPONSE_CODE), headers: answer.headers, body: answer.body)
  }

  var isTooLarge: Bool { answer.isTooLarge }

  /// Every address of the host was left out, or one was and no other could be reached.
  var wasForbidden: Bool { sockets.wasForbidden }

  /// What the proxy answered to CONNECT; 0: nothing, or it was not asked.
  var proxyStatus: Int { information(CURLINFO_HTTP_CONNECTCODE) }

  /// Whether a byte of the request may have reached the server.
  var wasSent: Bool {
    // The request that a proxy refused to carry went no further.
    if proxyStatus != 0, !(200...299).contains(proxyStatus) { return false }
    var pretransfer: curl_off_t = 0
    _ = staunch_curl_getinfo_off(handle, CURLINFO_PRETRANSFER_TIME_T, &pretransfer)
    return pretransfer > 0 || information(CURLINFO_REQUEST_SIZE) > 0
  }

  private func information(_ what: CURLINFO) -> Int {
    var value = 0
    _ = staunch_curl_getinfo_long(handle, what, &value)
    return value
  }

  // MARK: settings

  private func note(_ code: CURLcode) { if problem == CURLE_OK { problem = code } }

  private func set(_ option: CURLoption, _ value: Int) {
    note(staunch_curl_setopt_long(handle, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) {
    note(staunch_curl_setopt_string(handle, option, value))
  }

  private func set(_ option: CURLoption, _ pointer: UnsafeMutableRawPointer?) {
    note(staunch_curl_setopt_pointer(handle, option, pointer))
  }

  private func configure(_ question: CurlQuestion) {
    let (request, options) = (question.request, question.options)
    set(CURLOPT_URL, question.address.url)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_NOSIGNAL, 1)
    // A name server that is silent holds up its own transfer only: without this libcurl would wait for it on the loop's thread
    // when the transfer is over (Curl_resolver_kill). The resolver's thread frees what it holds when it ends.
    set(CURLOPT_QUICK_EXIT, 1)
    set(CURLOPT_USERAGENT, options.userAgent)
    set(CURLOPT_TIMEOUT_MS, max(1, request.timeout.milliseconds))
    set(CURLOPT_CONNECTTIMEOUT_MS, max(1, min(request.timeout, .seconds(10)).milliseconds))
    configureTrust(request.trust, options)
    configureProxy(question.address, options)
    configureConnection(question)
    configureMethod(request)
    configureHeaders(request)
    answer.receive(on: handle)
    note(sockets.open(on: handle))
  }

  private func configureTrust(_ trust: ServerTrust?, _ options: TransportOptions) {
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    set(CURLOPT_CA_CACHE_TIMEOUT, 60)
    if let file = options.certificateAuthorities { set(CURLOPT_PROXY_CAINFO, file) }
    let authorities = trust?.authorities ?? options.certificateAuthorities.map { .file($0) }
    if let authorities {
      set(authorities, file: CURLOPT_CAINFO, memory: CURLOPT_CAINFO_BLOB)
      // Read again at each connection: libcurl would believe for a day what the file held once. The machine's own is large.
      if trust?.authorities != nil { set(CURLOPT_CA_CACHE_TIMEOUT, 0) }
      // Nobody else: libcurl would also believe the directory of the machine. Not every TLS library has one.
      _ = staunch_curl_setopt_string(handle, CURLOPT_CAPATH, nil)
    }
    if let certificate = trust?.certificate {
      set(certificate, file: CURLOPT_SSLCERT, memory: CURLOPT_SSLCERT_BLOB)
      set(trust?.key ?? certificate, file: CURLOPT_SSLKEY, memory: CURLOPT_SSLKEY_BLOB)
    }
  }

  private func set(_ pem: PEMSource, file: CURLoption, memory: CURLoption) {
    switch pem {
    case .file(let path): set(file, path)
    case .memory(let text):
      let buffer = WipedBuffer(text)
      buffers.append(buffer)
      // Not copied: libcurl would free its copy as it is.
      var blob = curl_blob(
        data: buffer.bytes.baseAddress, len: buffer.bytes.count, flags: UInt32(CURL_BLOB_NOCOPY))
      note(staunch_curl_setopt_blob(handle, memory, &blob))
    }
  }

  private func configureProxy(_ address: RequestAddress, _ options: TransportOptions) {
    // An empty text turns off the environment's proxy: only the assembly reads the environment. Which hosts go around it is
    // decided here, not by libcurl, so that a proof asks each address of exactly those that do.
    set(CURLOPT_PROXY, options.proxy(for: address.host) ?? "")
    set(CURLOPT_NOPROXY, "")
  }

  private func configureConnection(_ question: CurlQuestion) {
    let request = question.request
    if question.mayUseHTTP2 {
      // Not noted: a libcurl without it speaks HTTP/1.1.
      _ = staunch_curl_setopt_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
      set(CURLOPT_PIPEWAIT, 1)  // many at once share the first one's connection
    } else {
      set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    }
    // A kept connection is a server that was chosen once: names move on.
    set(CURLOPT_MAXAGE_CONN, 60)
    set(CURLOPT_MAXLIFETIME_CONN, 120)
    if let numeric = request.address {
      // Host name and certificate stay those of the URL; only the connection goes to this address.
      connectTo = curl_slist_append(nil, numeric.contains(":") ? "::[\(numeric)]:" : "::\(numeric):")
      if connectTo == nil { note(CURLE_OUT_OF_MEMORY) }
      set(CURLOPT_CONNECT_TO, connectTo)
    }
    if request.isOnFreshConnection || request.isToPublicAddressOnly {
      // A kept one may lead where a new one may not.
      set(CURLOPT_FRESH_CONNECT, 1)
      set(CURLOPT_FORBID_REUSE, 1)
      // Balancers choose by the session: resumed, it would lead to the same server again.
      set(CURLOPT_SSL_SESSIONID_CACHE, 0)
    }
    if !question.isSafe {
      // On a reused connection that dies without an answer libcurl sends the request again by itself
      // (Curl_retry_request), which must never happen to a request with an effect.
      set(CURLOPT_FRESH_CONNECT, 1)
    }
  }

  private func configureMethod(_ request: HTTPRequest) {
    let body: WipedBuffer
    switch request.body {
    case .none:
      switch request.method {
      case .get: set(CURLOPT_HTTPGET, 1)
      case .head: set(CURLOPT_NOBODY, 1)
      case .post:
        set(CURLOPT_POST, 1)
        note(staunch_curl_setopt_off(handle, CURLOPT_POSTFIELDSIZE_LARGE, 0))
      case .options, .put, .patch, .delete: set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
      }
      return
    case .bytes(let data): body = WipedBuffer(data)
    case .secret(let secret): body = WipedBuffer(secret)
    }
    buffers.append(body)
    note(staunch_curl_setopt_off(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.bytes.count)))
    set(CURLOPT_POSTFIELDS, body.bytes.baseAddress)
    set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
  }

  private func configureHeaders(_ request: HTTPRequest) {
    append(name: "Expect", value: [])  // no "100-continue": one write, one answer
    for (name, value) in request.headers {
      switch value {
      case .text(let text): append(name: name, value: Array(text.utf8))
      case .secret(let prefix, let secret): append(name: name, value: Array(prefix.utf8), secret)
      }
    }
    set(CURLOPT_HTTPHEADER, fields)
  }

  /// Adds `name: value` to the list; the line is zeroed after libcurl has copied it.
  private func append(name: String, value: [UInt8], _ secret: Secret? = nil) {
    let head = Array((name + ":" + (value.isEmpty && secret == nil ? "" : " ")).utf8) + value
    let count = head.count + (secret?.withUnsafeBytes(\.count) ?? 0)
    let line = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 1, alignment: 1)
    defer { line.deallocate() }
    line.copyBytes(from: head)
    secret?.withUnsafeBytes { bytes in
      // At its end a line break is white space, which does not count (RFC 9110 §5.5).
      let isBreak = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
      let end = bytes.lastIndex { !isBreak($0) } ?? bytes.startIndex
      if bytes.contains(0) || bytes[..<end].contains(where: isBreak) { isUnsendable = true }
      UnsafeMutableRawBufferPointer(rebasing: line[head.count..<count]).copyMemory(from: bytes)
    }
    line[count] = 0
    // A line break would add a header of the value's choosing.
    for index in 0..<count where line[index] == 0x0A || line[index] == 0x0D { line[index] = 0x20 }
    guard let start = line.baseAddress else { return }
    // A header left out would send a request without its login.
    if let longer = curl_slist_append(fields, start.assumingMemoryBound(to: CChar.self)) {
      fields = longer
    } else {
      note(CURLE_OUT_OF_MEMORY)
    }
    explicit_bzero(start, count)
  }
}
