import Capabilities
import Foundation
import HTTP
import NameResolution
import Secrets
import TestSupport
import Testing

/// The transport against a loopback mock: what goes out, and what each way of failing means.
@Suite struct CurlTransportTests {
  private let transport = CurlTransport()

  private static func failure(_ body: () async throws -> HTTPResponse) async -> CapabilityError? {
    do {
      _ = try await body()
      return nil
    } catch {
      return error as? CapabilityError
    }
  }

  @Test func `a GET brings status, headers and body`() async throws {
    let server = try LoopbackServer { _ in
      .answer(203, headers: ["X-Request-Id": "r-1"], body: Data("hello".utf8))
    }
    let answer = try await transport.fetch(
      .get(server.url + "/a?b=c", headers: [("Accept", .text("text/plain"))]))
    #expect(answer.status == 203)
    #expect(answer.headers["x-request-id"] == "r-1")
    #expect(answer.body == Data("hello".utf8))
    let request = try #require(server.requests.first)
    #expect(request.method == "GET")
    #expect(request.target == "/a?b=c")
    #expect(request.headers["accept"] == "text/plain")
  }

  @Test func `questions share a connection; an effect and a proof's question each have a new one`()
    async throws
  {
    let server = try LoopbackServer { _ in .answer(200) }
    let question = SafeRequest.get(server.url)
    for _ in 1...3 { _ = try await transport.fetch(question) }
    #expect(server.connectionCount == 1)
    for count in 2...4 {
      _ = try await transport.fetch(question.alone(at: "127.0.0.1"))
      #expect(server.connectionCount == count, "a kept one must not answer a proof")
    }
    for count in 5...6 {
      _ = try await transport.send(HTTPRequest(.post, server.url), under: .forTests())
      #expect(server.connectionCount == count)
    }
    _ = try await transport.fetch(question)
    #expect(server.connectionCount == 6)
  }

  /// Two servers of one name: a refusal by one says nothing of the other.
  @Test func `each address of a name is asked by itself, on a fresh connection, under the name`() async throws
  {
    let first = try LoopbackServer { _ in .answer(401) }
    let second = try LoopbackServer(at: "127.0.0.2", port: first.port) { _ in .answer(200) }
    let transport = CurlTransport(TransportOptions(plainHosts: ["several.test"]))
    let question = SafeRequest.get("http://several.test:\(first.port)/v1/models")
    for _ in 1...2 {
      #expect(try await transport.fetch(question.alone(at: "127.0.0.1")).status == 401)
      #expect(try await transport.fetch(question.alone(at: "127.0.0.2")).status == 200)
    }
    for server in [first, second] {
      #expect(server.requests.count == 2)
      #expect(server.requests.allSatisfy { $0.headers["host"] == "several.test:\(first.port)" })
      #expect(server.connectionCount == 2, "an old connection stays with whoever answered it")
    }
  }

  /// /etc/hosts is this machine's own: what it says of its names is what the system's resolver must give.
  @Test func `the addresses of a name are all that the system knows, and an address has no others`()
    async throws
  {
    let hosts = try String(contentsOfFile: "/etc/hosts", encoding: .utf8)
    let entries = hosts.split(whereSeparator: \.isNewline).map {
      $0.prefix { $0 != "#" }.split(separator: " ")
    }
    .map { $0.flatMap { $0.split(separator: "\t") }.map(String.init) }
    for name in Set(entries.flatMap { $0.dropFirst() }) where HostAddresses.hasSeveral(name) {
      let found = await HostAddresses.all(of: name)
      let four = entries.filter { $0.dropFirst().contains(name) && !$0[0].contains(":") }.map { $0[0] }
      #expect(Set(four).isSubset(of: found), "\(name): \(found)")
    }
    for host in ["127.0.0.1", "10.0.0.1", "[::1]", "::1", "localhost", "", "/run/postgresql"] {
      #expect(!HostAddresses.hasSeveral(host), "\(host)")
    }
    #expect(HostAddresses.hasSeveral("api.example.org"))
  }

  @Test(arguments: [HTTPRequest.Method.post, .put, .patch, .delete])
  func `a request with an effect carries its method, headers and body`(method: HTTPRequest.Method)
    async throws
  {
    let server = try LoopbackServer { _ in .answer(204) }
    let answer = try await transport.send(
      HTTPRequest(
        method, server.url + "/x",
        headers: [
          ("Authorization", .secret(prefix: "Bearer ", Secret("t0p"))), ("Content-Type", .text("text/x")),
        ],
        body: .secret(Secret("payload"))), under: .forTests())
    #expect(answer.status == 204)
    let request = try #require(server.requests.first)
    #expect(request.method == method.rawValue)
    #expect(request.headers["authorization"] == "Bearer t0p")
    #expect(request.headers["content-type"] == "text/x")
    #expect(request.headers["expect"] == nil)
    #expect(request.body == Data("payload".utf8))
  }

  @Test(arguments: [HTTPRequest.Method.post, .delete])
  func `a request with an effect may have no body`(method: HTTPRequest.Method) async throws {
    let server = try LoopbackServer { _ in .answer(200) }
    _ = try await transport.send(HTTPRequest(method, server.url + "/x"), under: .forTests())
    #expect(server.requests.first?.method == method.rawValue)
    #expect(server.requests.first?.body.isEmpty == true)
  }

  @Test func `a redirect is an answer`() async throws {
    let server = try LoopbackServer { _ in .answer(302, headers: ["location": "/elsewhere"]) }
    let answer = try await transport.fetch(.get(server.url + "/"))
    #expect(answer.status == 302)
    #expect(server.requests.count == 1)
  }

  @Test func `a header value cannot add a header`() async throws {
    let server = try LoopbackServer { _ in .answer(200) }
    _ = try await transport.fetch(.get(server.url, headers: [("X-A", .text("1\r\nX-B: 2"))]))
    #expect(server.requests.first?.headers["x-b"] == nil)
  }

  /// Sent with a blank in its place it would be another credential, whose refusal says nothing of this one.
  @Test(arguments: ["one\ntwo", "one\r\ntwo", "one\0two"])
  func `a credential that no header can hold is not sent`(_ text: String) async throws {
    let server = try LoopbackServer { _ in .answer(401) }
    let headers = [(name: "Authorization", value: HTTPField.secret(prefix: "Bearer ", Secret(text)))]
    let error = await Self.failure { try await transport.fetch(.get(server.url, headers: headers)) }
    #expect(error?.class == .invalid)
    #expect(error?.description.contains("one") == false)
    let effect = await Self.failure {
      try await transport.send(HTTPRequest(.post, server.url, headers: headers), under: .forTests())
    }
    #expect(effect?.class == .invalid)
    #expect(server.connectionCount == 0)
    let line = [(name: "Authorization", value: HTTPField.secret(prefix: "Bearer ", Secret("one\n")))]
    #expect(try await transport.fetch(.get(server.url, headers: line)).status == 401)
    #expect(server.requests.first?.headers["authorization"] == "Bearer one")
  }

  @Test func `a server that is not there means nothing was sent`() async throws {
    let server = try LoopbackServer { _ in .answer(200) }
    let url = server.url
    server.stop()
    let read = await Self.failure { try await transport.fetch(.get(url)) }
    #expect(read?.class == .network)
    let write = await Self.failure { try await transport.send(HTTPRequest(.post, url), under: .forTests()) }
    #expect(write?.class == .network)
  }

  @Test func `a lost reply to an effect has an unknown outcome, and is not repeated`() async throws {
    let server = try LoopbackServer { $0.path == "/ok" ? .answer(200) : .hangUp }
    _ = try await transport.send(HTTPRequest(.post, server.url + "/ok"), under: .forTests())
    let error = await Self.failure {
      try await transport.send(
        HTTPRequest(.post, server.url + "/x", body: .bytes(Data("a".utf8))), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    #expect(server.requests.map(\.path) == ["/ok", "/x"])
  }

  @Test func `a lost reply to a read is a broken connection`() async throws {
    let server = try LoopbackServer { _ in .hangUp }
    let error = await Self.failure { try await transport.fetch(.get(server.url)) }
    #expect(error?.class == .network)
  }

  @Test func `no answer in time is a timeout for a read and unknown for an effect`() async throws {
    let server = try LoopbackServer { _ in .silence }
    let read = await Self.failure {
      try await transport.fetch(.get(server.url, timeout: .milliseconds(50)))
    }
    #expect(read?.class == .timeout)
    let write = await Self.failure {
      try await transport.send(
        HTTPRequest(.post, server.url, timeout: .milliseconds(50)), under: .forTests())
    }
    #expect(write?.class == .unknownOutcome)
  }

  @Test func `cancelling after the request was sent leaves the outcome unknown`() async throws {
    let server = try LoopbackServer { _ in .silence }
    let url = server.url
    let task = Task { [transport] in
      await Self.failure { try await transport.send(HTTPRequest(.post, url), under: .forTests()) }
    }
    for await _ in server.arrivals { break }
    task.cancel()
    #expect(await task.value?.class == .unknownOutcome)
  }

  @Test func `cancelling a read ends it`() async throws {
    let server = try LoopbackServer { _ in .silence }
    let url = server.url
    let task = Task { [transport] in await Self.failure { try await transport.fetch(.get(url)) } }
    for await _ in server.arrivals { break }
    task.cancel()
    #expect(await task.value?.class == .cancelled)
  }

  @Test func `an answer larger than allowed ends the transfer`() async throws {
    let server = try LoopbackServer { _ in .answer(200, body: Data(repeating: 0x61, count: 4096)) }
    let small = CurlTransport(TransportOptions(largestResponse: 1024))
    let error = await Self.failure { try await small.fetch(.get(server.url)) }
    #expect(error?.class == .invalid)
    let exact = CurlTransport(TransportOptions(largestResponse: 4096))
    #expect(try await exact.fetch(.get(server.url)).body.count == 4096)
  }

  @Test func `headers larger than allowed end the transfer`() async throws {
    let many = Dictionary(
      uniqueKeysWithValues: (0..<100).map { ("x-\($0)", String(repeating: "a", count: 4096)) })
    let server = try LoopbackServer { _ in .answer(200, headers: many) }
    let error = await Self.failure { try await transport.fetch(.get(server.url)) }
    #expect(error?.class == .invalid)
  }

  @Test(arguments: [
    "http://example.org/", "ftp://127.0.0.1/", "file:///etc/passwd", "/relative", "https://u:p@127.0.0.1/",
    "http://127.0.0.1.example.org/", "http://127.evil.example/", "http://127.+0.0.1/", "http://127.0.0.+1/",
  ])
  func `a URL that would show or misdirect a credential is refused unsent`(url: String) async throws {
    let error = await Self.failure { try await transport.fetch(.get(url)) }
    #expect(error?.class == .configuration)
    #expect(error?.description.contains("u:p") == false)
  }

  @Test(arguments: [
    "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data",
    "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://localhost/", "https://x.localhost./",
    "https://[::ffff:10.0.0.1]/", "https://[fd12::1]/", "http://127.0.0.1/",
  ])
  func `what a finding names is not called inside the network, through a proxy neither`(url: String)
    async throws
  {
    let proxy = try LoopbackServer { _ in .answer(200) }
    for options in [TransportOptions(), TransportOptions(proxy: proxy.url)] {
      let error = await Self.failure {
        try await CurlTransport(options).fetch(SafeRequest.get(url).toPublicAddressOnly())
      }
      #expect(error?.class == .unsafe)
    }
    #expect(proxy.connectionCount == 0)
  }

  /// The address is looked at when it is connected to, not before: a name may mean another one by then.
  @Test func `a name that leads inside the network is not connected to where it must be public`() async throws
  {
    let server = try LoopbackServer { _ in .answer(200) }
    let transport = CurlTransport(TransportOptions(plainHosts: ["named.test"]))
    let question = SafeRequest.get("http://named.test:\(server.port)/").alone(at: "127.0.0.1")
    let error = await Self.failure { try await transport.fetch(question.toPublicAddressOnly()) }
    #expect(error?.class == .unsafe)
    #expect(server.connectionCount == 0)
    var change = HTTPRequest(.post, "http://named.test:\(server.port)/")
    (change.address, change.isToPublicAddressOnly) = ("127.0.0.1", true)
    let effect = await Self.failure { [change] in try await transport.send(change, under: .forTests()) }
    #expect(effect?.class == .unsafe)
    #expect(server.connectionCount == 0)
    #expect(try await transport.fetch(question).status == 200)
  }

  @Test func `a name that must be public still goes through the proxy`() async throws {
    let proxy = try LoopbackServer { _ in .answer(200) }
    let transport = CurlTransport(TransportOptions(proxy: proxy.url, plainHosts: ["far.invalid"]))
    let question = SafeRequest.get("http://far.invalid/").toPublicAddressOnly()
    #expect(try await transport.fetch(question).status == 200)
    #expect(proxy.requests.map(\.target) == ["http://far.invalid/"])
  }

  @Test func `a host named in the options may be reached by plain http`() async throws {
    let options = TransportOptions(plainHosts: ["sandbox.invalid"])
    let error = await Self.failure { try await CurlTransport(options).fetch(.get("http://sandbox.invalid/")) }
    #expect(error?.class == .network)  // refused by the resolver, not by us
  }

  @Test func `a proxy gets what is not loopback`() async throws {
    let proxy = try LoopbackServer { _ in .answer(200, body: Data("by proxy".utf8)) }
    let server = try LoopbackServer { _ in .answer(200, body: Data("direct".utf8)) }
    let options = TransportOptions(proxy: proxy.url, plainHosts: ["far.invalid"])
    let throughProxy = CurlTransport(options)
    #expect(try await throughProxy.fetch(.get("http://far.invalid/x")).body == Data("by proxy".utf8))
    #expect(proxy.requests.first?.target == "http://far.invalid/x")
    #expect(try await throughProxy.fetch(.get(server.url)).body == Data("direct".utf8))
  }

  @Test(arguments: ["*", "near.invalid", " .NEAR.invalid,other.example", "a.invalid near.invalid"])
  func `a host that the proxy is not for is reached without it`(exceptions: String) async throws {
    let proxy = try LoopbackServer { _ in .answer(200) }
    let options = TransportOptions(
      proxy: proxy.url, noProxy: exceptions, plainHosts: ["near.invalid", "far.invalid"])
    let error = await Self.failure {
      try await CurlTransport(options).fetch(.get("http://near.invalid/x"))
    }
    #expect(error?.because == "the host name could not be resolved")
    #expect(proxy.requests.isEmpty)
  }

  /// An exception from the proxy is asked at each of its addresses, as without a proxy.
  @Test func `the addresses of a name are known where no proxy is between`() async throws {
    let url = "https://\(ProcessInfo.processInfo.hostName):8443/"
    let direct = try await CurlTransport().addresses(behind: url)
    let proxy = "http://127.0.0.1:3128"
    #expect(try await CurlTransport(TransportOptions(proxy: proxy)).addresses(behind: url) == [])
    let around = CurlTransport(TransportOptions(proxy: proxy, noProxy: "*"))
    #expect(try await around.addresses(behind: url) == direct)
  }

  @Test func `what a proxy does not let through was not sent`() async throws {
    let proxy = try LoopbackServer { _ in .answer(407) }
    let error = await Self.failure {
      try await CurlTransport(TransportOptions(proxy: proxy.url)).send(
        HTTPRequest(.post, "https://far.invalid/x", body: .bytes(Data("a".utf8))), under: .forTests())
    }
    #expect(proxy.requests.map(\.method) == ["CONNECT"])
    #expect(error?.class == .network)
    #expect(error?.because == "the proxy refused the connection (HTTP 407)")
  }

  @Test func `errors hold neither secret nor query`() async throws {
    let server = try LoopbackServer { _ in .hangUp }
    let error = await Self.failure {
      try await transport.send(
        HTTPRequest(
          .post, server.url + "/p?person=alice",
          headers: [("Authorization", .secret(prefix: "", Secret("hush-1")))],
          body: .secret(Secret("hush-2"))), under: .forTests())
    }
    let text = try #require(error).description
    #expect(text.contains("POST http://127.0.0.1"))
    for word in ["hush", "alice"] { #expect(!text.contains(word)) }
  }

  @Test func `many requests run at the same time on one thread`() async throws {
    let server = try LoopbackServer { .answer(200, body: Data($0.target.utf8)) }
    let url = server.url
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<40 {
        group.addTask { [transport] in
          try await transport.fetch(.get(url + "/\(index)")).body == Data("/\(index)".utf8)
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test func `a flood of questions opens no more connections than one server bears`() async throws {
    let server = try LoopbackServer { _ in .answer(200) }
    let url = server.url
    try await withThrowingTaskGroup(of: Int.self) { group in
      for index in 0..<500 {
        group.addTask { [transport] in try await transport.fetch(.get(url + "/\(index)")).status }
      }
      for try await status in group { #expect(status == 200) }
    }
    #expect(Set(server.requests.map(\.path)).count == 500)
    #expect(server.connectionCount <= 50)
  }

  /// Fifty requests that are never answered: the next one to this server has no place.
  @Test func `who waits for a place loses no time, is cancelled unsent, and holds up no other server`()
    async throws
  {
    let full = try LoopbackServer { $0.path == "/silent" ? .silence : .answer(200) }
    let other = try LoopbackServer { _ in .answer(200) }
    let url = full.url
    let silent = (0..<50).map { _ in
      Task { [transport] in await Self.failure { try await transport.fetch(.get(url + "/silent")) } }
    }
    var arrived = 0
    for await _ in full.arrivals {
      arrived += 1
      if arrived == 50 { break }
    }
    let waiting = Task { [transport] in
      await Self.failure { try await transport.send(HTTPRequest(.post, url + "/x"), under: .forTests()) }
    }
    let patient = Task { [transport] in
      try await transport.fetch(.get(url + "/patient", timeout: .milliseconds(500)))
    }
    #expect(try await transport.fetch(.get(other.url)).status == 200)
    waiting.cancel()
    #expect(await waiting.value?.class == .cancelled)
    for task in silent { task.cancel() }
    for task in silent { #expect(await task.value?.class == .cancelled) }
    #expect(try await patient.value.status == 200)
    #expect(full.requests.filter { $0.path != "/silent" }.map(\.path) == ["/patient"])
  }
}
