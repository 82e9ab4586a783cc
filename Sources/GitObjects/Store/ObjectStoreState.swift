import Foundation

/// Which packs and loose objects a repository and those that it borrows from had at one moment. Two equal ones hold the
/// same objects.
public struct ObjectStoreState: Sendable, Equatable {
  /// Packs are never changed in place; one that was made anew under the same name has another number or time.
  private struct Pack: Sendable, Equatable {
    let path: String
    let inode: UInt64
    let size: Int64
    let seconds: Int
    let nanoseconds: Int
  }
  private let packs: [Pack]
  private let loose: [String: [ObjectID]]

  /// - Parameter gitDirectory: the directory with `objects/` in it.
  /// - Throws: as ``RepositoryObjects/init(gitDirectory:)``.
  public init(gitDirectory: String) throws(GitObjectsError) {
    let names = try ObjectStoreNames(gitDirectory: gitDirectory)
    packs = try names.packs.map { pack throws(GitObjectsError) in
      var status = stat()
      guard stat(pack.path, &status) == 0 else { throw .system("read \(pack.path)") }
      return Pack(
        path: pack.path, inode: UInt64(status.st_ino), size: Int64(status.st_size),
        seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
    loose = Dictionary(zip(names.directories, names.loose)) { first, _ in first }
  }
}
