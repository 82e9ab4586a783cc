import Capabilities
import Foundation
import Synchronization

/// A directory of ours among other programs' temporary files, removed with everything in it when this value goes.
///
/// It is locked as long as its process lives. What a killed one left (views of repositories, clones that hold the secret) is
/// removed by the next that makes one: the kernel frees the lock however a process ends, and no process id is trusted, which
/// would be another process's in another namespace.
final class TemporaryPlace: Sendable {
  enum Purpose: String, Sendable, CaseIterable {
    case view = "staunch-view-"
    case clone = "staunch-clone-"
  }

  let path: PathBytes
  private let descriptor: Int32

  init(_ purpose: Purpose, in directory: PathBytes) throws(CapabilityError) {
    TemporaryPlace.sweepOnce(directory)
    let made = try TemporaryPlace.made(purpose, in: directory)
    path = made.path
    descriptor = made.descriptor
  }

  private static func made(_ purpose: Purpose, in directory: PathBytes) throws(CapabilityError)
    -> (path: PathBytes, descriptor: Int32)
  {
    // Another process's sweep may come between making and locking it: then there is another one.
    for _ in 0..<8 {
      let path = directory / (purpose.rawValue + UUID().uuidString.lowercased())
      try DurableFiles.makeDirectory(path)
      if let descriptor = try locked(path) { return (path, descriptor) }
    }
    throw CapabilityError(
      .conflict, "make a directory in \(directory.text)", because: "another process removes it each time",
      fix: "name another directory for temporary files with TMPDIR, then run the same command again")
  }

  deinit {
    // Clean-up only: what stays is removed by the next sweep.
    try? DurableFiles.removeTree(path)
    close(descriptor)
  }

  /// - Returns: nil when it is gone, or somebody else has it.
  private static func locked(_ path: PathBytes) throws(CapabilityError) -> Int32? {
    guard let descriptor = opened(path) else {
      if errno == ENOENT { return nil }
      throw DurableFiles.failure("open", path)
    }
    // Where a file system has no locks, nobody else's sweep gets one either.
    let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    var status = stat()
    guard !isTaken, fstat(descriptor, &status) == 0, DurableFiles.status(of: path)?.st_ino == status.st_ino
    else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  private static func opened(_ path: PathBytes) -> Int32? {
    let descriptor = path.withCString { open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    return descriptor < 0 ? nil : descriptor
  }

  // MARK: What killed processes left

  private static let swept = Mutex<Set<PathBytes>>([])

  private static func sweepOnce(_ directory: PathBytes) {
    guard swept.withLock({ $0.insert(directory).inserted }) else { return }
    sweep(directory)
  }

  /// Removes every place in `directory` that is this user's and that no process holds.
  static func sweep(_ directory: PathBytes) {
    // Clean-up only: a directory that cannot be listed has nothing that could be removed.
    guard let names = try? DurableFiles.entries(of: directory) else { return }
    for name in names where isOurs(name) {
      guard let descriptor = opened(directory / name) else { continue }
      defer { close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
      else { continue }
      try? DurableFiles.removeTree(directory / name)  // clean-up only
    }
  }

  /// The word and an id of 36 characters: nothing else begins so by chance.
  private static func isOurs(_ name: [UInt8]) -> Bool {
    Purpose.allCases.contains { purpose in
      name.starts(with: purpose.rawValue.utf8) && name.count == purpose.rawValue.utf8.count + 36
    }
  }
}
