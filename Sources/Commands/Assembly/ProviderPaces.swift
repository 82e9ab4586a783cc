import JSON
import Capabilities
import HTTP
import StaunchConfiguration
import Synchronization

/// One pace for each system that is called, shared by all its credentials: a limit that one of two instances of a kind has
/// reached holds nothing up at the other.
final class ProviderPaces {
  private let limits: [String: Configuration.CallLimit]
  private var paces: [String: CallPace] = [:]

  /// - Parameter limits: `policy: calls:` of staunch.yaml, by kind or by the name of a credential.
  init(_ limits: [String: Configuration.CallLimit]) { self.limits = limits }

  /// `environment` with requests that keep the pace of the system behind `target`.
  func environment(_ environment: AdapterEnvironment, for target: TargetConfiguration) -> AdapterEnvironment {
    let own = limits[target.name]
    let place = target.settings["base_url"]?.string ?? target.settings["host"]?.string ?? ""
    let key = own == nil ? "\(target.kind) \(place)" : "credential \(target.name)"
    let limit = own ?? limits[target.kind]
    let pace = paces[key] ?? CallPace(perSecond: limit?.perSecond, burst: limit?.burst ?? 1)
    paces[key] = pace
    return AdapterEnvironment(
      http: PacedTransport(environment.http, pace: pace, provider: target.kind, now: environment.now),
      postgres: environment.postgres, mariadb: environment.mariadb, redis: environment.redis,
      processes: environment.processes, files: environment.files,
      sources: environment.sources, now: environment.now, randomBytes: environment.randomBytes,
      stateDirectory: environment.stateDirectory)
  }
}
