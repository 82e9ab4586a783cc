import CLinux
import Capabilities
import Foundation
import Secrets

/// Replaces a file in one step: whoever opens it sees all of the old or all of the new contents, also after a crash.
struct FileReplacement {
  private let path: String
  private let operation: String

  init(of path: String) {
    operation = "replace \(path)"
    // A link stays a link: what it points to is replaced. No such file yet: the path as it is.
    if let resolved = realpath(path, nil) {
      self.path = String(cString: resolved)
      free(resolved)
    } else {
      self.path = path
    }
  }

  /// What has to stand there now.
  enum Expectation {
    case anything
    case nothing
    case contents(Secret, largest: Int)
  }

  /// - Throws: `.conflict` when something else stands there: it stays as it is.
  func write(_ contents: Secret, over expectation: Expectation = .anything) throws(CapabilityError) {
    let directory = (path as NSString).deletingLastPathComponent
    var before = stat()
    let isNew = stat(path, &before) != 0
    if isNew, errno != ENOENT { throw systemError(errno, operation) }
    if !isNew, before.st_mode & S_IFMT != S_IFREG {
      throw CapabilityError(
        .configuration, operation, because: "it is not a regular file",
        fix: "name a regular file in staunch.yaml")
    }
    var bytes: UInt64 = 0
    withUnsafeMutableBytes(of: &bytes) { buffer in
      for index in buffer.indices { buffer[index] = .random(in: .min ... .max) }
    }
    // A leading dot and no word of the secret's name; 0600 until it has the old file's mode.
    let temporary = "\(directory.isEmpty ? "." : directory)/.staunch-\(String(bytes, radix: 36)).tmp"
    var isPlaced = false
    defer { if !isPlaced { unlink(temporary) } }
    do {
      let file = try Descriptor(
        opening: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, operation)
      if !isNew {
        if before.st_uid != geteuid() || before.st_gid != getegid() {
          try check(fchown(file.raw, before.st_uid, before.st_gid))
        }
        try check(fchmod(file.raw, before.st_mode & 0o7777))
      }
      try file.write(contents, operation)
      try check(fsync(file.raw))
    }
    try place(temporary, over: expectation)
    isPlaced = true
    let folder = try Descriptor(
      opening: directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY, operation)
    try check(fsync(folder.raw))
  }

  /// From here on the new contents are read.
  private func place(_ temporary: String, over expectation: Expectation) throws(CapabilityError) {
    switch expectation {
    case .anything: try check(rename(temporary, path))
    case .nothing:
      if linux_rename(temporary, path, Self.noReplace) == 0 { return }
      guard errno == EEXIST else { throw systemError(errno, operation) }
      throw .changedMeanwhile(path)
    case .contents(let expected, let largest):
      // Nothing compares and renames in one step. So the two change places, and what comes out is looked at: when it is not
      // what was read, they change back.
      if linux_rename(temporary, path, Self.exchange) != 0 {
        // Network file systems often cannot: compared right before, a write in between is not seen.
        guard errno == EINVAL || errno == ENOSYS else { throw systemError(errno, operation) }
        try require(expected, at: path, largest)
        return try check(rename(temporary, path))
      }
      do throws(CapabilityError) {
        try require(expected, at: temporary, largest)
      } catch {
        guard linux_rename(temporary, path, Self.exchange) == 0 else { throw systemError(errno, operation) }
        throw error
      }
      unlink(temporary)
    }
  }

  private func require(_ expected: Secret, at file: String, _ largest: Int) throws(CapabilityError) {
    let found = try Descriptor(opening: file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation)
      .readAll(largest: largest, operation)
    guard found.isSame(as: expected) else { throw .changedMeanwhile(path) }
  }

  /// RENAME_NOREPLACE and RENAME_EXCHANGE.
  private static let noReplace: UInt32 = 1
  private static let exchange: UInt32 = 2

  private func check(_ status: Int32) throws(CapabilityError) {
    guard status == 0 else { throw systemError(errno, operation) }
  }
}
