import Chronicle
import Foundation
import Incidents
import StaunchConfiguration

extension Assembly {
  /// What staunch.yaml calls the repository at `path`; nil without an entry, or without a file.
  func repositoryName(at path: String) throws -> RepositoryName? {
    guard configurationPath != nil else { return nil }
    return try configuration().repositories.first { _, entry in
      [entry.path, entry.path + "/.git"].contains { URL(filePath: $0).standardizedFileURL.path == path }
    }?.key
  }

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
}
