import Capabilities
import JSON
import Secrets

/// The Sentinels that watch a master: they know replicas that are away just now, which the master itself does not list.
///
/// They are asked which servers there are, and never where to go: a server that they tell and the entry does not name is
/// refused, not connected to.
/// Source: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
struct RedisSentinels: Sendable {
  let servers: [PostgresRole.Endpoint]
  let master: String
  let user: String
  let password: String?

  /// A server as a Sentinel tells of it.
  struct Told {
    let place: String
    /// nil: no Sentinel has seen it yet.
    let runID: String?
  }

  /// nil: the entry names none.
  init?(from read: inout SettingsReader) throws(CapabilityError) {
    let addresses = try read.texts(
      "sentinels",
      "every Sentinel, as a list of host:port: the servers that they know must all stand under addresses")
    let master = try read.optionalText("sentinel_master", "the name by which they know the master")
    user = try read.text("sentinel_user", default: "default", "the runner's user there")
    password = try read.optionalReference(
      "sentinel_password", "its password; without one there is no login")
    servers = addresses.compactMap { PostgresRole.Endpoint($0) }
    self.master = master ?? ""
    try read.check(
      servers.count == addresses.count, "an entry of sentinels is no host:port",
      fix: "write for example sentinels: [sentinel-1.example.org:26379]")
    try read.check(
      addresses.isEmpty == (master == nil), "of sentinels and sentinel_master one stands without the other",
      fix: "name both, or neither")
    if addresses.isEmpty { return nil }
  }

  /// The master and its replicas as all of them tell it.
  /// - Parameter butForThoseAway: one that answers is enough.
  func told(
    _ settings: RedisUser.Settings, in environment: AdapterEnvironment, butForThoseAway: Bool
  ) async throws(CapabilityError) -> [Told] {
    var secret: Secret?
    if let password { secret = try await environment.sources.resolve(password) }
    var found: [String: String?] = [:]
    var failure: CapabilityError?
    var asked = 0
    for server in servers {
      do throws(CapabilityError) {
        let session = try await environment.redis.connect(settings.login(user, secret, at: server))
        for told in try await self.told(session, server.name) {
          found[told.place] = .some(told.runID ?? found[told.place] ?? nil)
        }
        asked += 1
      } catch {
        guard [.network, .timeout].contains(error.class) else { throw error }
        failure = failure ?? error
      }
    }
    if let failure, !butForThoseAway || asked == 0 { throw failure }
    return found.map { Told(place: $0.key, runID: $0.value) }
  }

  private func told(_ session: any RedisSession, _ place: String) async throws(CapabilityError) -> [Told] {
    let replies = try await session.ask([.sentinelMaster(master), .sentinelReplicas(master)])
    for reply in replies {
      guard case .error(let word) = reply else { continue }
      throw CapabilityError(
        .configuration, "SENTINEL MASTER", because: "the Sentinel at \(place) answered \(word)",
        fix:
          "check sentinel_master, sentinel_user and sentinel_password in staunch.yaml, and the user's right +sentinel"
      )
    }
    var found: [Told] = []
    if let members = replies.first?.members { found.append(try told(members)) }
    if case .value(let list)? = replies.last, let entries = list.array, found.count == 1 {
      for entry in entries { found.append(try told(RedisReply.members(of: entry) ?? [:])) }
      return found
    }
    throw Self.unreadable
  }

  private func told(_ members: [String: JSONValue]) throws(CapabilityError) -> Told {
    guard let address = members["ip"]?.string, let port = members["port"]?.string else {
      throw Self.unreadable
    }
    let id = members["runid"]?.string ?? ""
    return Told(place: "\(address):\(port)", runID: id.isEmpty ? nil : id)
  }

  private static var unreadable: CapabilityError {
    CapabilityError(
      .serverError, "SENTINEL REPLICAS", because: "the Sentinel's answer cannot be read",
      fix: "see what answers at its address: redis-cli SENTINEL REPLICAS, with the master's name")
  }
}
