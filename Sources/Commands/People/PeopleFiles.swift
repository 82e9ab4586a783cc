import Foundation
import Incidents
import JSON
import Journal
import LocalSystem
import People
import Secrets
import Worker

/// The two files about people: what the worker trusts, and the copy of it that the console reads.
///
/// `people.trust.json` is read and changed alone. The endpoint may write `exchange/people.json`, so nothing in it counts
/// here: it is only ever written, and what it names beyond the trusted is reported.
struct PeopleFiles {
  let state: StateDirectory
  private let exchange: ExchangePlace

  /// - Parameter exchange: nil: the one in the state directory.
  init(state: StateDirectory, exchange: ExchangePlace? = nil) {
    self.state = state
    self.exchange = exchange ?? ExchangePlace(nil, state: state.path)
  }

  private var console: String { exchange.path + "/people.json" }
  private var trust: String { state.path + "/people.trust.json" }
  /// Thousands of people; a larger copy is not looked at.
  private static let largestCopy = 16 << 20

  func read() throws -> PeopleDirectory {
    guard FileManager.default.fileExists(atPath: trust) else { return PeopleDirectory() }
    guard let bytes = FileManager.default.contents(atPath: trust) else {
      throw CommandFailure(
        .unavailable, "cannot read \(trust)", because: "permission denied", fix: "ls -l \(trust)")
    }
    return try PeopleDirectory(trusted: bytes, copy: copy())
  }

  /// Names in the endpoint's copy that are not trusted with this key: nobody added them here. Nil: there is a copy, and
  /// whom it names cannot be told.
  func strangers(beside directory: PeopleDirectory) -> [String]? {
    var status = stat()
    if lstat(console, &status) != 0, errno == ENOENT { return [] }
    return copy()?["people"]?.array?.filter { entry in
      let known = entry["name"]?.string.flatMap { directory[$0] }
      return known.map { entry["key"]?.string != $0.publicKey.base64EncodedString() } ?? true
    }.map { $0["name"]?.string ?? "somebody without a name" }
  }

  /// Trust first when somebody goes, last when somebody comes: a crash in between never trusts too much.
  func write(_ directory: PeopleDirectory) throws {
    try exchange.check()
    if exchange.group == nil, let problem = DurableDirectory.create(exchange.path, mode: 0o770) {
      throw CommandFailure(
        .unavailable, "cannot make \(exchange.path)",
        because: String(cString: strerror(problem)).lowercased(),
        fix: "ls -ld \(state.path)")
    }
    let grows = directory.people.count > (try read()).people.count
    if !grows { try replace(trust, with: directory.json, mode: 0o600) }
    do { try replace(console, with: directory.json, mode: 0o640) } catch {
      // The endpoint may have put something in its place that cannot be replaced.
      let again = grows ? "the same command again" : "the next change of a person writes it"
      throw CommandFailure(
        .unavailable,
        grows ? "nobody was added" : "the trusted list is changed, and the endpoint's copy is not",
        because: "\(console): \(CommandFailure(after: error).because)",
        fix: "look what it is, then: rm -r \(ShellWord.quoted(console)); \(again)")
    }
    if grows { try replace(trust, with: directory.json, mode: 0o600) }
  }

  private func replace(_ path: String, with document: JSONValue, mode: mode_t) throws {
    try DurableFile.replace(path, with: document.canonicalBytes + [0x0A], mode: mode)
  }

  /// The endpoint's copy, for an older trusted file's seals and for the report on strangers; nil when it is not readable.
  private func copy() -> JSONValue? {
    let file = open(console, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.largestCopy,
      // Unreadable, it can add nothing: neither a seal nor a stranger.
      let bytes = try? handle.read(upToCount: Self.largestCopy)
    else { return nil }
    return try? JSONValue(parsing: bytes)
  }
}
