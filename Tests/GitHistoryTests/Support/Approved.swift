import Capabilities
import Foundation
import GitHistory
import GitObjects
import Incidents
import Secrets

/// A plan that was approved by a key made for the test.
func approvedPlan() throws -> ApprovedPlan {
  let identity = LocalIdentity()
  let role = RoleName("incident-commander")
  let digest = PlanDigest("0")
  return try ApprovedPlan(
    digest: digest, mode: .drill,
    approvals: [try identity.approve(digest, role: role, at: Date(timeIntervalSince1970: 0))],
    rule: ApprovalRule(),
    trusted: [try ApproverIdentity(rawKey: identity.publicKey, roles: [role])])
}

struct Silent: ProgressSink {
  func progress(_ phase: String, done: Int, total: Int?, unit: String) {}
}

/// The leaked value of most tests, in parts so that no scanner takes this file for a leak.
let leaked = "sk-" + "proj-" + "9aF3kLm2QxT7vB1nZ8" + "wE5rYc4uH6jD0pGs"
/// What stands in its place.
let mark = "***REMOVED***"

/// The rewriter under test, and the calls that most tests make.
struct Purge {
  let rewriter: GitHistoryRewriter
  let repository: String
  var secrets = [leaked]

  init(_ repository: String, options: HistoryOptions = HistoryOptions(), secrets: [String] = [leaked]) {
    self.repository = repository
    self.secrets = secrets
    rewriter = GitHistoryRewriter(
      environment: Git.environment, temporaryDirectory: NSTemporaryDirectory(), options: options)
  }

  var removal: HistoryRemoval { HistoryRemoval(secrets: secrets.map { Secret($0) }) }

  func rewrite(marker: String = "test") async throws -> HistoryRewrite {
    try await rewriter.rewrite(
      repository: repository, removing: removal, marker: marker, progress: Silent(),
      under: try approvedPlan().authority())
  }

  func plan() async throws -> HistoryRewrite {
    try await rewriter.plan(repository: repository, removing: removal, progress: Silent())
  }

  func scan() async throws -> HistoryScan {
    try await rewriter.scan(repository: repository, for: removal, progress: Silent())
  }

  func restore(_ backup: String) async throws {
    try await rewriter.restore(repository: repository, backup: backup, under: try approvedPlan().authority())
  }

  func push(to remote: String) async throws -> HistoryPush {
    try await rewriter.push(
      repository: repository, remote: remote, progress: Silent(), under: try approvedPlan().authority())
  }

  func freshClone(of remote: String? = nil) async throws -> HistoryScan {
    try await rewriter.verifyFreshClone(
      repository: repository, remote: remote, for: removal, progress: Silent())
  }
}

/// Every file below a directory with type, mode, modification time and content: to compare before and after.
func listing(of directory: String, except: [String] = []) throws -> [String: String] {
  var found: [String: String] = [:]
  guard let walker = FileManager.default.enumerator(atPath: directory) else { return found }
  while let name = walker.nextObject() as? String {
    if except.contains(where: { name == $0 || name.hasPrefix($0 + "/") }) { continue }
    let path = directory + "/" + name
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    guard attributes[.type] as? FileAttributeType != .typeDirectory else { continue }
    let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    let time = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    let content =
      attributes[.type] as? FileAttributeType == .typeSymbolicLink
      ? try FileManager.default.destinationOfSymbolicLink(atPath: path)
      : String(Data(try Data(contentsOf: URL(fileURLWithPath: path))).hashValue)
    found[name] = "\(mode) \(time) \(content)"
  }
  return found
}
