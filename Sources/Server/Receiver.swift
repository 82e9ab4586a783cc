public import Foundation
import Hummingbird
import HummingbirdCore
public import Inbox
public import Logging
import NIOCore
public import ServiceLifecycle

/// The public endpoint: verifies who sends, stores it durably and sealed, then says 202. It can do nothing else.
///
/// It holds no provider credential, opens no journal, runs no step, and follows no address that a sender names.
public struct Receiver: Service {
  private let application: Application<Endpoint>
  private let inbox: Inbox
  private let log: Logger
  private let refusals: RefusalLog
  private let now: @Sendable () -> Date
  /// Nil: TLS does not end here.
  private let certificate: CertificateInUse?

  /// - Parameters:
  ///   - secrets: what the references of the settings point into.
  ///   - fetching: the way out for SNS's certificates and GitHub's key list.
  ///   - pages: the console.
  ///   - onListening: called with the port once connections are accepted.
  /// - Throws: ``SettingsError`` when a secret is missing: it does not start rather than accept everybody.
  public init(
    _ settings: ReceiverSettings, secrets: SecretSources, inbox: Inbox,
    fetching: any Fetching = CurlFetching(),
    pages: (any Pages)? = nil, log: Logger, now: @escaping @Sendable () -> Date,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws(SettingsError) {
    self.inbox = inbox
    self.log = log
    self.now = now
    let limits = settings.limits
    let registry = RouteRegistry(
      secrets: secrets, inbox: inbox, fetching: fetching, certificates: CertificateCache(fetching: fetching),
      limits: limits, log: log)
    var routes: [String: any WebhookRoute] = [:]
    for route in try registry.routes(of: settings) { routes[route.path] = route }
    let large = Set(routes.values.filter(\.isLarge).map(\.path))
    let gate = ConnectionGate(limits: limits, exempt: settings.proxies)
    let inFlight = Quota(limits.inFlight)
    let metrics = ReceiverMetrics(gate: gate, inFlight: inFlight)
    refusals = RefusalLog(log)
    let certificate: CertificateInUse? =
      if let tls = settings.tls { try CertificateInUse(tls, secrets: secrets) } else { nil }
    self.certificate = certificate
    let endpoint = Endpoint(
      routes: routes, buckets: routes.mapValues { _ in TokenBucket(rate: limits.rate, burst: limits.burst) },
      settings: settings, inbox: inbox, metrics: metrics,
      operations: Operations(
        operators: settings.operators, inbox: inbox, metrics: metrics, readiness: Readiness(),
        reserve: DiskReserve(path: inbox.path, reserve: limits.reserveBytes),
        signIns: { pages?.signIns ?? [] },
        certificateEnd: { certificate?.end }, now: now),
      inFlight: inFlight, reader: BodyReader(held: Quota(limits.heldBytes)), pages: pages,
      log: log, refusals: refusals, now: now)
    application = Application(
      responder: endpoint,
      server: HTTPServerBuilder { responder in
        GuardedChannel(responder: responder, gate: gate, limits: limits, certificate: certificate) {
          large.contains($0)
        }
      },
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port), serverName: nil, backlog: 1024),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? settings.port) },
      logger: log)
  }

  /// Reads certificate and key again, for connections that come from now on.
  /// - Returns: when the certificate ends; nil: TLS does not end here.
  /// - Throws: ``SettingsError``; what was in use stays.
  func readCertificateAgain() throws(SettingsError) -> Date? { try certificate?.readAgain() }

  /// Serves until a graceful shutdown: then it accepts nothing more, finishes what is in flight, and returns.
  public func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await prune() }
      group.addTask { await keepRefusals() }
      try await application.run()
      group.cancelAll()
    }
  }

  /// Writes refusals down, for `staunch deliveries`: many at once, because nobody waits for them.
  private func keepRefusals() async {
    var isOver = false
    while !isOver {
      do { try await Task.sleep(for: .seconds(1)) } catch { isOver = true }
      do throws(InboxError) { try await inbox.append(refusals.take()) } catch {
        log.error("refusals were not written down: \(error)")
      }
    }
  }

  /// Forgets old deliveries every hour. A failure is logged; the next hour tries again.
  private func prune() async {
    while !Task.isCancelled {
      do throws(InboxError) { try inbox.prune(now: now()) } catch { log.error("\(error)") }
      do { try await Task.sleep(for: .seconds(3600)) } catch { return }
    }
  }
}
