import Capabilities
import Foundation
import JSON
import StaunchConfiguration
import Synchronization
import TestSupport
import Testing

@testable import Commands
@testable import Response
@testable import Worker

/// How fast each system is called.
@Suite struct ProviderPacesTests {
  /// Answers 429 at one host, and counts.
  private final class Servers: HTTPTransport {
    let asked = Mutex<[String]>([])
    func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
      asked.withLock { $0.append(request.request.url) }
      let isBusy = request.request.url.contains("busy")
      return HTTPResponse(
        status: isBusy ? 429 : 200, headers: isBusy ? ["retry-after": "120"] : [:], body: Data())
    }
    func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
      async throws(CapabilityError) -> HTTPResponse
    { throw CapabilityError(.unsafe, "send", because: "nothing is to be sent") }
  }

  private func target(_ name: String, _ base: String) -> TargetConfiguration {
    TargetConfiguration(name: name, kind: "openai", settings: ["base_url": .string(base)], position: "1:1")
  }

  @Test func `one instance that asks for silence holds up its own credentials and no other instance`()
    async throws
  {
    let servers = Servers()
    let paces = ProviderPaces([:])
    func ask(_ name: String, _ base: String) async throws -> Int {
      let environment = paces.environment(.forTests(http: servers), for: target(name, base))
      return try await environment.http.fetch(.get(base + "/x")).status
    }
    #expect(try await ask("one", "https://busy.example") == 429)
    let error = await #expect(throws: CapabilityError.self) { try await ask("two", "https://busy.example") }
    #expect(error?.class == .rateLimit)
    #expect(try await ask("three", "https://calm.example") == 200)
    #expect(servers.asked.withLock { $0.count } == 2)
  }
}
