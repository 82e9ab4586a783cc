import Capabilities
import JSON

/// The servers of an entry, and whether there are others that have the user. ACLs are each server's own: a node of a cluster
/// and a replica keep their own passwords, so what is true of one says nothing of the others, and a replica is the master
/// after a failover.
///
/// A server is known by its run id, a node of a cluster by its node id, and not by an address: two names of one server are one.
/// Sources: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/,
/// https://redis.io/docs/latest/commands/info/, …/cluster-nodes/
struct RedisCompany {
  let servers: [RedisServer]
  let settings: RedisUser.Settings
  let environment: AdapterEnvironment

  /// What a server tells of itself and of others.
  struct Standing {
    let runID: String
    /// Of what it has in common with its master and its replicas: `master_replid`.
    let history: String
    /// How many it knows outside of a cluster: itself, its replicas, its master.
    let known: Int
    /// Where they are, as it tells: its replicas, its master.
    let peers: Set<String>
    /// Its node id, and the addresses of all nodes that its cluster has by theirs; nil: it is in none.
    let cluster: (own: String, nodes: [String: String])?
    /// By which name and which address it was asked.
    let places: [String]

    /// Whether one is the other's master or replica: by what they have in common, or, before they are in step, by address.
    func belongs(to other: Standing) -> Bool {
      history == other.history || !other.peers.isDisjoint(with: places)
        || !peers.isDisjoint(with: other.places)
    }
  }

  /// Servers that are known and not all named.
  struct Gap {
    let known: Int
    let named: Int
    /// Addresses that are told and not named. One that is named otherwise may be among them.
    let told: [String]
  }

  /// - Throws: `.configuration` where there are servers that the entry does not name; else why it could not be found out.
  /// - Parameter butForThoseAway: each that cannot be reached may be one of them, so only what is certain is refused.
  func refuseUnnamed(_ operation: String, butForThoseAway: Bool = false) async throws(CapabilityError) {
    var standings: [Standing] = []
    var away = 0
    for server in servers {
      do throws(CapabilityError) { standings.append(try await standing(of: server)) } catch {
        guard butForThoseAway, [.network, .timeout].contains(error.class) else { throw error }
        away += 1
      }
    }
    var found = Self.unnamed(standings, away: away)
    if found == nil, let sentinels = settings.sentinels {
      let told = try await sentinels.told(settings, in: environment, butForThoseAway: butForThoseAway)
      found = Self.unnamed(told, standings, away: away)
    }
    guard let found else { return }
    // A server may write anything there.
    let told = found.told.filter {
      $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".:-_".contains($0)) }
    }
    .sorted().prefix(5).joined(separator: ", ")
    throw CapabilityError(
      .configuration, operation,
      because:
        "it is one of \(found.known) servers (a cluster, or a master with replicas), and \(found.named) of them "
        + "stand in the entry: each keeps its own passwords and connections"
        + (told.isEmpty ? "" : " (it tells of \(told))"),
      fix: "name every one, replicas too, under addresses in staunch.yaml")
  }

  /// How many there are and how many of them are named, where that is not all.
  static func unnamed(_ standings: [Standing], away: Int) -> Gap? {
    let places = Set(standings.flatMap(\.places))
    let own = Set(standings.compactMap(\.cluster?.own))
    let nodes = standings.reduce(into: [String: String]()) { all, one in
      all.merge(one.cluster?.nodes ?? [:]) { first, _ in first }
    }
    let unnamed = nodes.filter { !own.contains($0.key) }
    if unnamed.count > away {
      return Gap(known: nodes.count, named: nodes.count - unnamed.count, told: Array(unnamed.values))
    }
    for one in standings where one.cluster == nil {
      let named = Set(standings.filter { $0.belongs(to: one) }.map(\.runID)).count
      if one.known > named + away {
        return Gap(known: one.known, named: named, told: Array(one.peers.subtracting(places)))
      }
    }
    return nil
  }

  static func unnamed(_ told: [RedisSentinels.Told], _ standings: [Standing], away: Int) -> Gap? {
    let ids = Set(standings.map(\.runID))
    let places = Set(standings.flatMap(\.places))
    // A Sentinel learns a run id at its first look.
    let unnamed = told.filter { !($0.runID.map(ids.contains) ?? false) && !places.contains($0.place) }
    guard unnamed.count > away else { return nil }
    return Gap(known: told.count, named: told.count - unnamed.count, told: unnamed.map(\.place))
  }

  /// - Throws: `.configuration` where its name leads to several servers.
  private func standing(of server: RedisServer) async throws(CapabilityError) -> Standing {
    var found: Standing?
    for address in try await server.addresses() {
      let one = try await standing(of: server, at: address)
      guard found.map({ $0.runID == one.runID }) ?? true else {
        throw CapabilityError(
          .configuration, "INFO", because: "\(server.endpoint.host) leads to several servers",
          fix: "name every one by a name or an address of its own, under addresses in staunch.yaml")
      }
      found = Standing(
        runID: one.runID, history: one.history, known: one.known, peers: one.peers,
        cluster: one.cluster,
        places: (found?.places ?? []) + one.places)
    }
    guard let found else { throw RedisUser.noServer("INFO") }
    return found
  }

  private func standing(of server: RedisServer, at address: String?) async throws(CapabilityError) -> Standing
  {
    let session = try await server.open(at: address)
    let facts = try Self.facts(
      try await server.answers([.facts("server", "replication", "cluster")], session).first, "INFO")
    guard let runID = facts["run_id"], let history = facts["master_replid"], let role = facts["role"],
      let isCluster = facts["cluster_enabled"], let replicas = facts["connected_slaves"].flatMap({ Int($0) })
    else {
      throw CapabilityError(
        .serverError, "INFO", because: "the server does not say whether it stands alone",
        fix: "look yourself: redis-cli INFO replication")
    }
    var cluster: (own: String, nodes: [String: String])?
    if isCluster != "0" {
      try await server.checkName("cluster", session)
      cluster = try Self.nodes(try await server.answers([.clusterNodes], session).first)
    }
    let endpoint = server.endpoint
    return Standing(
      runID: runID, history: history, known: (role == "master" ? 1 : 2) + replicas, peers: Self.peers(facts),
      cluster: cluster,
      places: ["\(endpoint.host):\(endpoint.port)"] + (address.map { ["\($0):\(endpoint.port)"] } ?? []))
  }

  /// `slave0:ip=10.0.0.2,port=6379,state=online,…`, `master_host`, `master_port`.
  private static func peers(_ facts: [String: String]) -> Set<String> {
    var found: Set<String> = []
    if let host = facts["master_host"], let port = facts["master_port"] { found.insert("\(host):\(port)") }
    for (name, text) in facts where name.hasPrefix("slave") {
      let fields = text.split(separator: ",").map { $0.split(separator: "=", maxSplits: 1) }
      func field(_ name: Substring) -> Substring? { fields.first { $0.count == 2 && $0[0] == name }?[1] }
      if let address = field("ip"), let port = field("port") { found.insert("\(address):\(port)") }
    }
    return found
  }

  /// A line for each node: its id, its address (`10.0.0.2:6379@16379,name`), its flags.
  private static func nodes(_ reply: RedisReply?) throws(CapabilityError)
    -> (own: String, nodes: [String: String])
  {
    let lines = (reply?.lines ?? []).map { $0.split(separator: " ", omittingEmptySubsequences: false) }
    let own = lines.filter { $0.count > 2 && $0[2].split(separator: ",").contains("myself") }
    guard own.count == 1, let id = own.first?.first, lines.allSatisfy({ $0.count > 2 }) else {
      throw CapabilityError(
        .serverError, "CLUSTER NODES", because: "the server does not say which nodes its cluster has",
        fix: "look yourself: redis-cli CLUSTER NODES")
    }
    let nodes = lines.map { (String($0[0]), String($0[1].prefix { $0 != "@" })) }
    return (String(id), Dictionary(nodes, uniquingKeysWith: { first, _ in first }))
  }

  /// Lines of `name:value`.
  private static func facts(_ reply: RedisReply?, _ command: String) throws(CapabilityError)
    -> [String: String]
  {
    guard let lines = reply?.lines else {
      throw CapabilityError(.serverError, command, because: "the server's answer cannot be read")
    }
    let pairs = lines.compactMap { line -> (String, String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return (String(line[..<colon]), String(line[line.index(after: colon)...]))
    }
    return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }
}
