import Capabilities
import HTTP
import StaunchConfiguration
import Synchronization

/// One pace for each kind of provider, shared by all its credentials.
final class ProviderPaces {
  private let limits: [String: Configuration.CallLimit]
  private var paces: [String: CallPace] = [:]

  /// - Parameter limits: `policy: calls:` of staunch.yaml.
  init(_ limits: [String: Configuration.CallLimit]) { self.limits = limits }

  /// `environment` with requests that keep the pace of `kind`.
  func environment(_ environment: AdapterEnvironment, of kind: String) -> AdapterEnvironment {
    let limit = limits[kind]
    let pace = paces[kind] ?? CallPace(perSecond: limit?.perSecond, burst: limit?.burst ?? 1)
    paces[kind] = pace
    return AdapterEnvironment(
      http: PacedTransport(environment.http, pace: pace, provider: kind, now: environment.now),
      postgres: environment.postgres, processes: environment.processes, files: environment.files,
      sources: environment.sources, now: environment.now, randomBytes: environment.randomBytes)
  }
}
