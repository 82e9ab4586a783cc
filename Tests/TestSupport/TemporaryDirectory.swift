import Foundation

/// A fresh directory that is removed when the last reference goes.
public final class TemporaryDirectory: Sendable {
  public let path: String
  public init() throws {
    path = NSTemporaryDirectory() + "staunch-test-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }
  /// The path of `name` inside.
  public func path(_ name: String) -> String { path + "/" + name }
  deinit { try? FileManager.default.removeItem(atPath: path) }  // clean-up only: nothing depends on it
}
