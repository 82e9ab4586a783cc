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
    let directory = FileManager.default.temporaryDirectory.path
    removeAbandoned(in: directory)
    let place = directory + "/staunch-view-\(getpid())-\(UUID().uuidString)"
    guard mkdir(place, 0o700) == 0 else { throw KeyFile.failure("read \(path)", path: path) }
    let descriptor = Foundation.open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    // Says to others that it is in use; the kernel ends it with this process. Where it cannot be had, nobody else gets it.
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX | LOCK_NB) }
    defer {
      empty(place)
      if descriptor >= 0 { Foundation.close(descriptor) }
    }
    // Another process's clean-up may have come before the lock.
    guard access(place, F_OK) == 0 else { return try copied(path, configuration) }
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

  private static func empty(_ place: String) {
    for suffix in ["", "-wal", "-shm"] { unlink("\(place)/journal.sqlite\(suffix)") }
    rmdir(place)
  }

  /// Removes the copies that processes left which were killed. Clean-up only: what cannot be removed stays.
  static func removeAbandoned(in directory: String) {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else { return }
    for name in names where name.wholeMatch(of: /staunch-view-[0-9]+-[0-9A-Fa-f-]{36}/) != nil {
      let descriptor = Foundation.open(
        "\(directory)/\(name)", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { Foundation.close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
      else { continue }
      empty("\(directory)/\(name)")
    }
  }
}
