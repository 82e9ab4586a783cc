import Capabilities
import HTTP

/// The only way out of the endpoint: a GET of an address that a rule allowed (SNS's certificate and subscription, GitHub's
/// key list). Nothing else that a sender names is ever fetched.
public protocol Fetching: Sendable {
  /// The body of a 200 answer. Redirects are refused.
  /// - Throws: ``FetchError``.
  func get(_ url: String, largest: Int, timeout: Duration) async throws(FetchError) -> [UInt8]
}

/// Why an address gave nothing.
public struct FetchError: Error, Sendable, Hashable, CustomStringConvertible {
  public let because: String
  public init(because: String) { self.because = because }
  public var description: String { because }
}

/// ``Fetching`` by libcurl: TLS 1.2 or newer, certificate and host name verified, no redirects.
public struct CurlFetching: Fetching {
  public init() {}

  public func get(_ url: String, largest: Int, timeout: Duration) async throws(FetchError) -> [UInt8] {
    let transport = CurlTransport(TransportOptions(largestResponse: largest, userAgent: "staunch-receiver"))
    do throws(CapabilityError) {
      let answer = try await transport.fetch(.get(url, timeout: timeout))
      guard answer.status == 200 else {
        throw CapabilityError(.refused, "fetch", because: "status \(answer.status)")
      }
      return Array(answer.body)
    } catch {
      throw FetchError(because: error.because)
    }
  }
}
