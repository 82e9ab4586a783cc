import Foundation

/// A fresh directory that is removed when the last reference goes.
public final class TemporaryDirectory: Sendable {
  public let path: String
  /// - Parameter inMemory: on a memory file system where the machine has one: many commits, no wear.
  public init(inMemory: Bool = false) throws {
    let memory = "/dev/shm/"
    let parent =
      inMemory && FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
    path = parent + "staunch-test-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }
  /// The path of `name` inside.
  public func path(_ name: String) -> String { path + "/" + name }
  deinit { try? FileManager.default.removeItem(atPath: path) }  // clean-up only: nothing depends on it
}
