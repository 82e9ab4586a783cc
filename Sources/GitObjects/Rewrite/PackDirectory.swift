import Foundation

/// The temporary directory of a new pack and its spools, `objects/pack/tmp_staunch_*`; made when it is needed.
struct PackDirectory: Sendable {
  let path: String

  /// Runs `body` with a name that nobody uses, and removes what it made when it fails.
  static func making<Result>(
    in objects: RepositoryObjects, _ body: (PackDirectory) throws(GitObjectsError) -> Result
  ) throws(GitObjectsError) -> Result {
    let directory = PackDirectory(
      path: objects.gitDirectory + "/objects/pack/tmp_staunch_" + UUID().uuidString.lowercased())
    do {
      return try body(directory)
    } catch {
      // Clean-up: the error that led here is thrown on.
      try? FileManager.default.removeItem(atPath: directory.path)
      throw error
    }
  }

  /// Safe to repeat.
  func make() throws(GitObjectsError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("create \(path)") }
  }

  /// Removes it when it was made: nothing changes.
  func discard() throws(GitObjectsError) {
    guard access(path, F_OK) == 0 else { return }
    try removeSpools()
    guard rmdir(path) == 0 else { throw .system("remove \(path)") }
  }

  func removeSpools() throws(GitObjectsError) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw .system("list \(path)")
    }
    for name in names where name.hasPrefix("spool") {
      guard unlink(path + "/" + name) == 0 else { throw .system("remove \(path)/\(name)") }
    }
  }
}
