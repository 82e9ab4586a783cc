import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import StaunchConfiguration

/// What a fresh clone of a remote showed, as evidence of an incident.
struct FreshCloneRecord {
  let repository: RepositoryName
  /// The clone on this machine whose remote it is.
  let path: String
  let remote: String
  let incident: IncidentID

  /// - Parameter values: what was looked for.
  func note(_ scan: HistoryScan, for values: [SecretRef], in journal: Journal) throws {
    guard let address = scan.remote else { return }
    let elsewhere = scan.elsewhere.compactMap { $0.line(repository: path) }
    var outputs: [String: JSONValue] = [
      "repository": ["$repository": .string(repository.rawValue)], "remote": .string(address),
      "places": .integer(scan.places.count), "objects": .integer(scan.objects),
      "commits": .integer(scan.commits), "clone": .string(path), "remote_name": .string(remote),
      "elsewhere": .array(elsewhere.map { .string($0) }),
    ]
    if !elsewhere.isEmpty {
      outputs["again"] = .string(
        HistoryElsewhere.again(repository: path, remote: remote, incident: incident))
    }
    try journal.note(
      byHand: "history.verify", phase: "read",
      [
        "answer": scan.isClean ? "clean" : "found", "values": .array(values.map { .string($0.rawValue) }),
        "outputs": .object(outputs),
      ], of: incident)
  }
}

extension PublishedHistory {
  /// Whether it is the repository that is called `name` here, or lies at `path` as somebody who verified it said.
  func isOf(_ name: RepositoryName, at path: String) -> Bool { repository == name || clone?.path == path }
}

extension Assembly {
  /// What an incident calls the repository at `path`: the entry of staunch.yaml; else the reported one that the remote's address
  /// ends with (`owner/name`); else its directory.
  func repositoryName(
    at path: String, remote address: String, in record: IncidentRecord, otherwise directory: String
  ) throws -> RepositoryName {
    if let name = try repositoryName(at: path) { return name }
    var place = address
    while place.hasSuffix("/") { place.removeLast() }
    if place.hasSuffix(".git") { place.removeLast(4) }
    let reported = record.published.map(\.repository).first { name in
      place.hasSuffix("/\(name)") || place.hasSuffix(":\(name)")
    }
    return reported ?? RepositoryName(directory)
  }

  /// What staunch.yaml calls the repository at `path`; nil without an entry, or without a file.
  func repositoryName(at path: String) throws -> RepositoryName? {
    guard configurationPath != nil else { return nil }
    return try configuration().repositories.first { _, entry in
      [entry.path, entry.path + "/.git"].contains { URL(filePath: $0).standardizedFileURL.path == path }
    }?.key
  }
}
