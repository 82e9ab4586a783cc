import Capabilities
import Foundation
import HTTP
import Incidents
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// Over libcurl, against servers on loopback.
@Suite struct RESTClientTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func client(
    _ url: String, trust: ServerTrust? = nil,
    exceptions: @escaping @Sendable (Int) -> (because: String, fix: String)? = { _ in nil }
  ) -> RESTClient {
    RESTClient(
      base: url + "/", login: .init("env:TOKEN"), trust: trust,
      environment: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": Secret("t")], now: { Self.now }),
      fix: "give the token rights", exceptions: exceptions)
  }

  /// One reply for every request.
  private func answering(_ status: Int, _ body: String = "{}", _ headers: [String: String] = [:]) throws
    -> LoopbackServer
  { try LoopbackServer { _ in .json(status, body, headers: headers) } }

  @Test(
    arguments: [
      (429, ["retry-after": "7"], 7), (403, ["retry-after": "9"], 9), (429, [:], 60),
      (403, ["x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000030"], 30),
    ] as [(Int, [String: String], Int)])
  func `a rate limit says how long to wait, however the API spells it`(
    status: Int, headers: [String: String], seconds: Int
  ) async throws {
    let server = try answering(status, "{}", headers)
    let error = await #expect(throws: CapabilityError.self) { try await client(server.url).get("/x") }
    #expect(error?.class == .rateLimit)
    #expect(error?.retryAfter == .seconds(seconds))
  }

  @Test func `a refusal shows what the login must be allowed, and neither query nor body`() async throws {
    let server = try answering(401, #"{"secret":"body"}"#)
    let error = await #expect(throws: CapabilityError.self) { try await client(server.url).get("/x?key=abc") }
    #expect(error?.class == .refused)
    #expect(error?.fix == "give the token rights")
    #expect("\(error.map(String.init(describing:)) ?? "")".contains("abc") == false)
    #expect("\(error.map(String.init(describing:)) ?? "")".contains("body") == false)
    #expect(error?.operation == "GET /x")
  }

  @Test func `what a status means to one API alone is said in its words`() async throws {
    let server = try answering(410)
    let error = await #expect(throws: CapabilityError.self) {
      try await client(server.url, exceptions: { $0 == 410 ? ("issues are disabled", "enable them") : nil })
        .get("/x")
    }
    #expect(error?.class == .configuration && error?.because == "issues are disabled")
  }

  @Test func `a change whose answer cannot be read was done all the same`() async throws {
    let server = try answering(200, "<html>")
    let error = await #expect(throws: CapabilityError.self) {
      try await client(server.url).send(.post, "/x", [:], under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
  }

  @Test func `a credential acts for itself, and what anyone may call is called without a login`() async throws
  {
    let server = try answering(401)
    let leaked = Secret("leaked-0123456789")
    for login in [RESTClient.Login(header: "PRIVATE-TOKEN", prefix: "", as: leaked), .nobody] {
      let client = RESTClient(
        base: server.url, login: login, environment: .forTests(http: CurlTransport()), fix: "")
      #expect(try await client.answer("/x").status == 401)
      let answer = try await client.exchange(.post, "/x", .secret(leaked), under: .forTests())
      #expect(answer.status == 401)
    }
    #expect(
      server.requests.map { $0.headers["private-token"] } == [
        "leaked-0123456789", "leaked-0123456789", nil, nil,
      ])
    #expect(server.requests.allSatisfy { $0.headers["authorization"] == nil })
    #expect(
      server.requests.map { $0.headers["content-type"] } == [
        nil, "application/json", nil, "application/json",
      ])
  }

  @Test func `pages are read to the end in each of the four ways`() async throws {
    let server = try LoopbackServer { request in
      switch request.path {
      case "/number":
        let count = request.query["page"] == "1" ? 100 : 3
        return .json(200, JSONValue.array(Array(repeating: 1, count: count)).canonicalText)
      case "/link":
        let isFirst = request.query["cursor"] == nil
        return .json(
          200, "[1]",
          headers: isFirst ? ["link": "<https://elsewhere.example/steal?cursor=c2>; rel=\"next\""] : [:])
      case "/after":
        return request.query["after"] == nil
          ? .json(200, #"{"data":[{"id":"a b"}],"has_more":true}"#)
          : .json(200, #"{"data":[{"id":"\#(request.query["after"] ?? "")2"}],"has_more":false}"#)
      default:
        return request.query["page"] == nil
          ? .json(200, #"{"data":[1],"has_more":true,"next_page":"p=2"}"#)
          : .json(200, #"{"data":[2],"has_more":false,"next_page":null}"#)
      }
    }
    let client = client(server.url)
    #expect(try await client.pages("/number", by: .number).count == 103)
    // The address of the link is not followed: only the cursor is taken from it.
    #expect(try await client.pages("/link", by: .linkCursor).count == 2)
    #expect(try await client.pages("/after", by: .afterID("after")).last?["id"] == "a b2")
    #expect(try await client.pages("/token", by: .token(limit: 31)) == [1, 2])
  }

  @Test func `a list that goes in circles ends in an error`() async throws {
    let server = try answering(200, #"{"data":[],"has_more":true,"next_page":"same"}"#)
    let error = await #expect(throws: CapabilityError.self) {
      try await client(server.url).pages("/x", by: .token(limit: 1))
    }
    #expect(error?.because == "the list has no end")
  }

  @Test func `deleting what is gone is fine, and an empty answer is one`() async throws {
    let gone = try answering(404)
    try await client(gone.url).delete("/x", under: .forTests())
    let empty = try LoopbackServer { _ in .answer(204) }
    #expect(try await client(empty.url).send(.put, "/x", [:], under: .forTests()) == .null)
  }
}
