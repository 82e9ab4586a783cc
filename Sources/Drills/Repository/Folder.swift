import Foundation
import Incidents

/// Files of a drill below one directory.
struct Folder: Sendable {
  let path: String

  /// Creates a directory, mode 0700, with its parents.
  static func create(_ path: String) throws(DrillError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw DrillError(
        .file, "create \(path)", because: plainReason(of: error),
        fix: "choose a directory that you may write to")
    }
  }

  /// Writes a file, with its directories.
  func write(_ name: String, _ text: String, mode: Int = 0o600) throws(DrillError) {
    let file = path + "/" + name
    try Self.create((file as NSString).deletingLastPathComponent)
    guard
      FileManager.default.createFile(
        atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
    else {
      throw DrillError(
        .file, "write \(file)", because: String(cString: strerror(errno)),
        fix: "free some space, or choose another directory")
    }
  }

  func remove(_ name: String) throws(DrillError) {
    do {
      try FileManager.default.removeItem(atPath: path + "/" + name)
    } catch {
      throw DrillError(.file, "remove \(path)/\(name)", because: plainReason(of: error))
    }
  }
}
