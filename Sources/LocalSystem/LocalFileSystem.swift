public import Capabilities
import Dispatch
import Foundation
public import Secrets

/// Files on this machine, read and replaced as whole secrets.
///
/// Source for the order of write, fsync, rename, fsync of the directory: rename(2), fsync(2).
public struct LocalFileSystem: FileSystem {
  private let queue = DispatchQueue(label: "staunch-files", attributes: .concurrent)
  /// Larger files are not secrets' files. Bytes.
  private let largest: Int

  /// A pipe that nobody writes to would keep whoever reads it waiting.
  private let readsPipes: Bool

  public init(largest: Int = 16 << 20, readsPipes: Bool = false) {
    self.largest = largest
    self.readsPipes = readsPipes
  }

  public func read(_ path: String) async throws(CapabilityError) -> Secret {
    let (largest, readsPipes) = (largest, readsPipes)
    DebugLog.note(.debug, "file", "reads \(path)")
    return try await onQueue { () throws(CapabilityError) in
      let operation = "read \(path)"
      var status = stat()
      guard readsPipes || stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFIFO else {
        throw CapabilityError(
          .configuration, operation, because: "it is a pipe", fix: "name a regular file in staunch.yaml")
      }
      let file = try Descriptor(opening: path, O_RDONLY, operation)
      return try file.readAll(largest: largest, operation)
    }
  }

  public func exists(_ path: String) async -> Bool {
    await withCheckedContinuation { continuation in
      // What nobody can look at is no "not there": reading it says why.
      queue.async {
        continuation.resume(returning: access(path, F_OK) == 0 || errno != ENOENT && errno != ENOTDIR)
      }
    }
  }

  public func files(in directory: String) async throws(CapabilityError) -> [String] {
    try await onQueue { () throws(CapabilityError) in
      guard let stream = opendir(directory) else { throw systemError(errno, "list \(directory)") }
      defer { closedir(stream) }
      var names: [String] = []
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        // A pipe would keep whoever reads it waiting.
        var status = stat()
        if stat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG {
          names.append(name)
        }
      }
      return names.sorted()
    }
  }

  public func obstacle(toReplacing path: String) async -> String? {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: Self.obstacle(path)) }
    }
  }

  private static func obstacle(_ path: String) -> String? {
    func reason() -> String { String(cString: strerror(errno)).lowercased() }
    let directory = (path as NSString).deletingLastPathComponent
    guard access(directory.isEmpty ? "." : directory, W_OK | X_OK) == 0 else {
      return "\(directory): \(reason())"
    }
    guard access(path, F_OK) == 0 else { return errno == ENOENT ? nil : "\(path): \(reason())" }
    return access(path, R_OK | W_OK) == 0 ? nil : "\(path): \(reason())"
  }

  public func stranger(whoMayReplace path: String) async -> String? {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: Self.stranger(path)) }
    }
  }

  /// Of the file, where a link leads, and of its directory. What is not there is nobody's: reading it says so.
  private static func stranger(_ path: String) -> String? {
    let directory = (path as NSString).deletingLastPathComponent
    for place in [path, directory.isEmpty ? "." : directory] {
      var status = stat()
      guard stat(place, &status) == 0 else { continue }
      guard status.st_uid == geteuid() || status.st_uid == 0 else { return "\(place) is another user's" }
      // A sticky directory lets nobody replace another's file.
      let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
      guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 || isSticky else { return "others may write \(place)" }
    }
    return nil
  }

  public func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    DebugLog.note(.debug, "file", "replaces \(path)")
    try await onQueue { () throws(CapabilityError) in try FileReplacement(of: path).write(contents) }
  }

  public func replace(
    _ path: String, with contents: Secret, expecting expected: Secret?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let largest = largest
    DebugLog.note(.debug, "file", "replaces \(path)")
    try await onQueue { () throws(CapabilityError) in
      try FileReplacement(of: path).write(
        contents, over: expected.map { .contents($0, largest: largest) } ?? .nothing)
    }
  }

  public func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    try await onQueue { () throws(CapabilityError) in try Self.make(path) }
  }

  private static func make(_ path: String) throws(CapabilityError) {
    let operation = "make the directory \(path)"
    if mkdir(path, 0o700) == 0 { return try makeDurable(path, operation) }
    switch errno {
    case EEXIST:
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        throw CapabilityError(
          .configuration, operation, because: "something else has that name", fix: "name another directory")
      }
    case ENOENT where path != "/" && path.contains("/"):
      try make((path as NSString).deletingLastPathComponent)
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw systemError(errno, operation) }
      try makeDurable(path, operation)
    default: throw systemError(errno, operation)
    }
  }

  /// A file that counts as written must not go with its directory's name when the power fails.
  private static func makeDurable(_ path: String, _ operation: String) throws(CapabilityError) {
    let above = (path as NSString).deletingLastPathComponent
    let folder = try Descriptor(
      opening: above.isEmpty ? "." : above, O_RDONLY | O_DIRECTORY, operation)
    // Some mounts cannot synchronise a directory: nothing more can be done there.
    guard fsync(folder.raw) == 0 || errno == EINVAL else { throw systemError(errno, operation) }
  }

  private func onQueue<Value: Sendable>(
    _ body: @escaping @Sendable () throws(CapabilityError) -> Value
  ) async throws(CapabilityError) -> Value {
    let answer = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Value, CapabilityError>, Never>) in
      queue.async { continuation.resume(returning: Result { () throws(CapabilityError) in try body() }) }
    }
    return try answer.get()
  }
}
