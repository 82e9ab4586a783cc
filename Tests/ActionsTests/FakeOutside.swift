import Capabilities
import Foundation
import Incidents
import Secrets
import Synchronization

/// A fake: answers every request alike and records what was sent.
final class FakeHTTP: HTTPTransport {
  let answer: HTTPResponse
  let sent = Mutex<[HTTPRequest]>([])
  init(_ status: Int = 200, _ body: String = "{}") {
    answer = HTTPResponse(status: status, headers: [:], body: Data(body.utf8))
  }
  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse { answer }
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    sent.withLock { $0.append(request) }
    return answer
  }
}

/// A fake: a program that ends as told.
final class FakeProcesses: ProcessRunner {
  let outcome: ProcessOutcome
  let calls = Mutex<[[String]]>([])
  init(status: Int = 0, output: String = "") {
    outcome = ProcessOutcome(status: status, output: output, errors: "")
  }
  func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  {
    outcome
  }
  func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    -> ProcessOutcome
  {
    calls.withLock { $0.append(call.arguments) }
    return outcome
  }
}

/// A fake: files in memory.
final class FakeFiles: FileSystem {
  let files = Mutex<[String: String]>([:])
  func read(_ path: String) async throws(CapabilityError) -> Secret {
    guard let text = files.withLock({ $0[path] }) else {
      throw CapabilityError(.notFound, "read \(path)", because: "no such file")
    }
    return Secret(text)
  }
  func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let text = contents.exposeAsText()
    files.withLock { $0[path] = text }
  }
  func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {}
  func exists(_ path: String) async -> Bool { files.withLock { $0[path] != nil } }
  func files(in directory: String) async throws(CapabilityError) -> [String] {
    files.withLock { $0.keys.filter { $0.hasPrefix(directory + "/") } }
      .map { String($0.dropFirst(directory.count + 1)) }.filter { !$0.contains("/") }.sorted()
  }
  func obstacle(toReplacing path: String) async -> String? { nil }
}

/// A fake: the history of one repository, counted.
final class FakeHistory: HistoryRewriter {
  struct World: Sendable {
    var finished: Set<String> = []
    var refused: String?
    /// What a fresh clone of the remote shows.
    var shown: [HistoryPlace] = []
    var unaccounted: [String] = []
    var cloned: [String?] = []
    var rewrites = 0
    var isBackupThere = true
    /// nil: the remote does not answer.
    var unfetched: [String]? = []
    var asked: [Duration] = []
    /// Of the plan, and of the clone.
    var others: [HistoryRemote] = []
    var elsewhere: [HistoryElsewhere] = []
  }
  let world = Mutex(World())
  static let moved = HistoryRewrite(
    commits: 3, trees: 3, blobs: 2, tags: 1,
    refs: [.init(ref: "refs/heads/main", from: "a", to: "b")], signaturesDropped: 0,
    residual: [.init(place: "fork", why: "it is elsewhere", fix: "ask its owner")], backup: "backup-1",
    maps: "/maps")

  func scan(repository: String, for removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryScan
  {
    HistoryScan(
      places: [
        HistoryPlace(
          place: "blob", object: "a", path: "train.py", line: 3, refs: ["refs/heads/main"], form: "raw")
      ], objects: 10, commits: 3)
  }
  func plan(repository: String, removing removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryRewrite
  { Self.moved }
  func rewrite(
    repository: String, removing removal: HistoryRemoval, marker: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    world.withLock { world in
      world.finished.insert(marker)
      world.rewrites += 1
    }
    return Self.moved
  }
  func finished(repository: String, marker: String) async throws(CapabilityError) -> HistoryRewrite? {
    world.withLock { $0.finished.contains(marker) } ? Self.moved : nil
  }
  func holds(backup: String, repository: String) async throws(CapabilityError) -> Bool {
    world.withLock { $0.isBackupThere }
  }
  func restore(repository: String, backup: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { world.withLock { $0.isBackupThere = false } }
  func push(
    repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush {
    let refused = world.withLock { $0.refused }
    return HistoryPush(
      refs: [
        .init(
          ref: "refs/heads/main", isUpdated: refused == nil, reason: refused,
          isOvertaken: refused == "stale info")
      ],
      address: "https://forge.example/models.git", unaccounted: world.withLock { $0.unaccounted })
  }
  func verifyFreshClone(
    repository: String, remote: String?, for removal: HistoryRemoval, progress: any ProgressSink
  ) async throws(CapabilityError) -> HistoryScan {
    world.withLock { $0.cloned.append(remote) }
    return HistoryScan(
      places: world.withLock { $0.shown }, objects: 9, commits: 3,
      remote: remote.map { _ in "https://forge.example/models.git" },
      elsewhere: world.withLock { $0.elsewhere })
  }

  func others(repository: String, besides remote: String, within deadline: Duration)
    async throws(CapabilityError) -> [HistoryRemote]
  { world.withLock { $0.others } }

  func published(repository: String, remote: String, within deadline: Duration) async throws(CapabilityError)
    -> HistoryRemote
  {
    world.withLock { world in
      world.asked.append(deadline)
      return HistoryRemote(
        address: "https://forge.example/models.git", refs: world.unfetched.map { ["refs/heads/main"] + $0 },
        unfetched: world.unfetched ?? [], silence: world.unfetched == nil ? "no route" : nil)
    }
  }

}

/// A fake: writes nothing and names a path.
struct FakePostMortems: PostMortemWriter {
  func draft(_ incident: IncidentID, run: RunID, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  { "/postmortems/\(incident).md" }
}
