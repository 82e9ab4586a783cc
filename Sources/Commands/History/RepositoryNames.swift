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
}
