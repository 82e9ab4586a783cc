import Foundation
import TestSupport
import Testing

@testable import Server

/// The endpoint's only way out, by the real libcurl.
@Suite(.timeLimit(.minutes(3))) struct FetchingTests {
  @Test func `a redirect is refused, and where it leads is never asked`() async throws {
    let inside = try LoopbackServer { _ in .answer(200, body: Data("internal".utf8)) }
    let target = inside.url + "/latest/meta-data"
    let outside = try LoopbackServer { _ in .answer(302, headers: ["location": target]) }
    let error = await #expect(throws: FetchError.self) {
      try await CurlFetching().get(outside.url + "/cert.pem", largest: 1000, timeout: .seconds(30))
    }
    #expect(error?.because == "status 302")
    #expect(outside.requests.count == 1)
    #expect(inside.requests.isEmpty)
  }

  @Test(arguments: [1000, 1001])
  func `an answer above its bound is refused`(size: Int) async throws {
    let server = try LoopbackServer { _ in .answer(200, body: Data(repeating: 0x41, count: size)) }
    let fetch = { try await CurlFetching().get(server.url + "/", largest: 1000, timeout: .seconds(30)) }
    if size <= 1000 {
      #expect(try await fetch().count == size)
    } else {
      await #expect(throws: FetchError.self) { try await fetch() }
    }
  }

  @Test func `whoever does not answer is given up`() async throws {
    let server = try LoopbackServer { _ in .silence }
    await #expect(throws: FetchError.self) {
      try await CurlFetching().get(server.url + "/", largest: 1000, timeout: .milliseconds(100))
    }
  }
}
