import Foundation

/// The directory of large bodies, which the endpoint writes: names from the exchange file are a stranger's words, and what
/// lies under them need not be a file.
struct SpoolDirectory: ~Copyable {
  private let descriptor: Int32

  /// - Throws: ``InboxError`` when there is no such directory, or a link stands in its place.
  init(_ path: String) throws(InboxError) {
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw ExchangeFile.failure("open \(path)") }
  }

  deinit { close(descriptor) }

  /// A lower-case UUID, as ``SealedBody`` gives them: no path leads out of one.
  static func isName(_ name: String) -> Bool {
    name.utf8.count == 36 && UUID(uuidString: name) != nil && name == name.lowercased()
  }

  /// Opens `name` for reading: a regular file with one name, of `most` bytes or fewer, and no link.
  func file(_ name: String, most: Int) throws(InboxError) -> FileHandle {
    let operation = "read a spooled body"
    guard Self.isName(name) else {
      throw InboxError(
        .corrupt, operation, because: "the exchange file gives it a name that staunch never gives")
    }
    // Non-blocking: to open a pipe would wait for a writer.
    let raw = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard raw >= 0 else { throw ExchangeFile.failure(operation) }
    var status = stat()
    guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1,
      status.st_size <= most
    else {
      close(raw)
      throw InboxError(
        .corrupt, operation, because: "it is no regular file of its own, or larger than \(most) bytes")
    }
    return FileHandle(fileDescriptor: raw, closeOnDealloc: true)
  }

  /// Removes `name`; nothing happens when it is no name of ours or is not there.
  func remove(_ name: String) {
    guard Self.isName(name) else { return }
    unlinkat(descriptor, name, 0)
  }

  /// Removes what is older than `date` and not among `names`.
  func removeOrphans(keeping names: Set<String>, olderThan date: Date, in path: String) {
    // Read by path, acted upon beneath the descriptor. No directory any more: nothing to remove.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where !names.contains(name)
    {
      var status = stat()
      guard Self.isName(name), fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
        Double(status.st_mtim.tv_sec) < date.timeIntervalSince1970
      else { continue }
      unlinkat(descriptor, name, 0)
    }
  }
}
