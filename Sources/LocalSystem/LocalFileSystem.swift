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

  public init(largest: Int = 16 << 20) { self.largest = largest }

  public func read(_ path: String) async throws(CapabilityError) -> Secret {
    let largest = largest
    DebugLog.note(.debug, "file", "reads \(path)")
    return try await onQueue { () throws(CapabilityError) in
      let file = try Descriptor(opening: path, O_RDONLY, "read \(path)")
      return try file.readAll(largest: largest, "read \(path)")
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

  public func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    DebugLog.note(.debug, "file", "replaces \(path)")
    try await onQueue { () throws(CapabilityError) in try FileReplacement(of: path).write(contents) }
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
