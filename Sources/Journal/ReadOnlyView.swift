import Foundation
import GRDB

// A journal on a disk that cannot be written to (a mounted backup, a container's image) can still be read: SQLite wants to
// make files beside a database with a write-ahead log, so the view is made of a private copy. The same on a full disk.
extension Journal {
  static func readOnlyDatabase(_ path: String, _ base: Configuration) throws -> DatabaseQueue {
    var configuration = base
    configuration.readonly = true
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      _ = try queue.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") }
      return queue
    } catch let error as DatabaseError
      where [.SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_FULL].contains(error.resultCode)
      || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE
    {
      return try copied(path, base)
    }
  }

  /// The journal with its write-ahead log, in memory.
  private static func copied(_ path: String, _ configuration: Configuration) throws -> DatabaseQueue {
    let place = FileManager.default.temporaryDirectory.path + "/staunch-view-\(getpid())-\(UUID().uuidString)"
    guard mkdir(place, 0o700) == 0 else { throw KeyFile.failure("read \(path)", path: path) }
    defer {
      for suffix in ["", "-wal", "-shm"] { unlink("\(place)/journal.sqlite\(suffix)") }
      rmdir(place)
    }
    for suffix in ["", "-wal"] {
      let source = path + suffix
      var status = stat()
      if stat(source, &status) != 0 {
        guard errno == ENOENT, suffix == "-wal" else { throw KeyFile.failure("read \(source)", path: path) }
        continue
      }
      guard let bytes = FileManager.default.contents(atPath: source),
        FileManager.default.createFile(
          atPath: "\(place)/journal.sqlite\(suffix)", contents: bytes,
          attributes: [.posixPermissions: 0o600])
      else {
        throw JournalError(
          .inputOutput, "read \(path)", because: "it cannot be copied into \(place)",
          fix: "name a directory with enough space: TMPDIR=DIR")
      }
    }
    let file = try DatabaseQueue(path: "\(place)/journal.sqlite", configuration: configuration)
    let memory = try DatabaseQueue(configuration: configuration)
    try file.backup(to: memory)
    try file.close()
    return memory
  }
}
