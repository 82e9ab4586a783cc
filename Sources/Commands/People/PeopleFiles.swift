import Foundation
import JSON
import Journal
import LocalSystem
import People
import Secrets

/// The two files about people: what the console reads, and what the worker trusts.
///
/// The endpoint may read `exchange/people.json`; it can neither read nor write `people.trust.json`, so that a taken-over
/// endpoint cannot add a key that counts.
struct PeopleFiles {
  let state: StateDirectory

  private var exchange: String { state.path + "/exchange" }
  private var console: String { exchange + "/people.json" }
  private var trust: String { state.path + "/people.trust.json" }

  func read() throws -> PeopleDirectory {
    guard FileManager.default.fileExists(atPath: console) else { return PeopleDirectory() }
    guard let bytes = FileManager.default.contents(atPath: console) else {
      throw CommandFailure(
        .unavailable, "cannot read \(console)", because: "permission denied", fix: "ls -l \(console)")
    }
    return try PeopleDirectory(parsing: bytes)
  }

  /// Trust first when somebody goes, last when somebody comes: a crash in between never trusts too much.
  func write(_ directory: PeopleDirectory) throws {
    let manager = FileManager.default
    if !manager.fileExists(atPath: exchange) {
      try manager.createDirectory(
        atPath: exchange, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o770])
    }
    let grows = directory.people.count > (try read()).people.count
    if !grows { try replace(trust, with: directory.trust, mode: 0o600) }
    try replace(console, with: directory.json, mode: 0o640)
    if grows { try replace(trust, with: directory.trust, mode: 0o600) }
  }

  private func replace(_ path: String, with document: JSONValue, mode: mode_t) throws {
    try DurableFile.replace(path, with: document.canonicalBytes + [0x0A], mode: mode)
  }
}
