import Capabilities
import JSON

// Whether the entry names every server that has the user. ACLs are each server's own: a node of a cluster and a replica keep
// their own passwords, so what is true of one says nothing of the others, and a replica is the master after a failover.
// Sources: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/,
// https://redis.io/docs/latest/commands/info/, …/cluster-info/
extension RedisUser {
  /// How many servers this one knows, itself among them: nodes of its cluster, its replicas, its master.
  func knownServers() async throws(CapabilityError) -> Int {
    let facts = try Self.facts(try await ask([["INFO", "replication", "cluster"]]).last, "INFO")
    guard let isCluster = facts["cluster_enabled"], let role = facts["role"],
      let replicas = facts["connected_slaves"].flatMap({ Int($0) })
    else {
      throw CapabilityError(
        .serverError, "INFO", because: "the server does not say whether it stands alone",
        fix: "look yourself: redis-cli INFO replication")
    }
    guard isCluster != "0" else { return (role == "master" ? 1 : 2) + replicas }
    let cluster = try Self.facts(try await ask([["CLUSTER", "INFO"]]).last, "CLUSTER INFO")
    guard let known = cluster["cluster_known_nodes"].flatMap({ Int($0) }) else {
      throw CapabilityError(
        .serverError, "CLUSTER INFO", because: "the server does not say how many nodes its cluster has",
        fix: "look yourself: redis-cli CLUSTER NODES")
    }
    return known
  }

  /// Lines of `name:value`.
  private static func facts(_ reply: RedisCommandLine.Reply?, _ command: String) throws(CapabilityError)
    -> [String: String]
  {
    guard case .lines(let lines)? = reply else {
      throw CapabilityError(.serverError, command, because: "the server's answer cannot be read")
    }
    let pairs = lines.compactMap { line -> (String, String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return (String(line[..<colon]), String(line[line.index(after: colon)...]))
    }
    return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }

  /// - Throws: `.configuration` where there are more servers than the entry names.
  func refuseUnnamedServers(_ operation: String) async throws(CapabilityError) {
    let known = try await knownServers()
    guard known > named else { return }
    throw CapabilityError(
      .configuration, operation,
      because: "it is one of \(known) servers (a cluster, or a master with replicas), and \(named) of them "
        + "stand in the entry: each keeps its own passwords and connections",
      fix: "name every one, replicas too, under addresses in staunch.yaml")
  }
}
