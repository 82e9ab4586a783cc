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

  func write(_ contents: Secret) throws(CapabilityError) {
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
    try check(rename(temporary, path))
    isPlaced = true
    let folder = try Descriptor(
      opening: directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY, operation)
    try check(fsync(folder.raw))
  }

  private func check(_ status: Int32) throws(CapabilityError) {
    guard status == 0 else { throw systemError(errno, operation) }
  }
}
