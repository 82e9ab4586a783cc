public import Capabilities
public import Foundation
public import Secrets

/// Ports for adapters that must not use them: every call throws.
public struct UnreachablePorts: HTTPTransport, SQLConnector, ProcessRunner, FileSystem, SecretSourceResolver {
  public init() {}

  private func refusal(_ what: String) -> CapabilityError {
    CapabilityError(.unsafe, what, because: "this test gives the adapter no such port")
  }
  public func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    throw refusal("GET \(request.request.url)")
  }
  public func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  { throw refusal("\(request.method.rawValue) \(request.url)") }
  public func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    throw refusal("connect")
  }
  public func tryLogin(_ login: SQLLogin) async -> LoginOutcome { .undecided(code: "no port") }
  public func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  { throw refusal("run") }
  public func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> ProcessOutcome
  { throw refusal("run") }
  public func read(_ path: String) async throws(CapabilityError) -> Secret { throw refusal("read") }
  public func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { throw refusal("replace") }
  public func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { throw refusal("make a directory") }
  public func exists(_ path: String) async -> Bool { false }
  public func files(in directory: String) async throws(CapabilityError) -> [String] { throw refusal("list") }
  public func obstacle(toReplacing path: String) async -> String? { "nothing can be reached" }
  public func resolve(_ reference: String) async throws(CapabilityError) -> Secret {
    throw refusal("resolve")
  }
}

/// Redis for adapters that must not use it.
public struct UnreachableRedis: RedisConnector {
  public init() {}
  public func connect(_ login: RedisLogin) async throws(CapabilityError) -> any RedisSession {
    throw CapabilityError(.unsafe, "connect", because: "this test gives the adapter no such port")
  }
  public func tryLogin(_ login: RedisLogin) async -> LoginOutcome { .undecided(code: "no port") }
  public func addresses(of host: String) async throws(CapabilityError) -> [String] { [] }
}

/// Secrets by reference, from a table.
public struct TableOfSecrets: SecretSourceResolver {
  private let secrets: [String: Secret]
  public init(_ secrets: [String: Secret]) { self.secrets = secrets }
  public func resolve(_ reference: String) async throws(CapabilityError) -> Secret {
    guard let secret = secrets[reference] else {
      throw CapabilityError(.notFound, reference, because: "the test's table has no such secret")
    }
    return secret
  }
}

extension AdapterEnvironment {
  /// An environment in which only the given ports work. Randomness is the system's.
  public static func forTests(
    http: any HTTPTransport = UnreachablePorts(), postgres: any SQLConnector = UnreachablePorts(),
    mariadb: any SQLConnector = UnreachablePorts(),
    redis: any RedisConnector = UnreachableRedis(),
    processes: any ProcessRunner = UnreachablePorts(), files: any FileSystem = UnreachablePorts(),
    secrets: [String: Secret] = [:], now: @escaping @Sendable () -> Date = { Date() },
    stateDirectory: String? = nil
  ) -> AdapterEnvironment {
    AdapterEnvironment(
      http: http, postgres: postgres, mariadb: mariadb, redis: redis, processes: processes, files: files,
      sources: TableOfSecrets(secrets),
      now: now,
      randomBytes: { count in
        var generator = SystemRandomNumberGenerator()
        return SecretBytes(
          copying: (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
      }, stateDirectory: stateDirectory)
  }
}
