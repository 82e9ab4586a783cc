import Cryptography
import Foundation

/// Every file below a directory with its mode, size, time of change and content: to see that nothing was written.
public struct FileListing: Sendable, Equatable {
  private let entries: [String: String]

  /// - Parameter except: top-level names to leave out.
  public init(_ directory: String, except: Set<String> = []) throws {
    var entries: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
      if except.contains(String(name.prefix { $0 != "/" })) { continue }
      let path = directory + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }  // gone meanwhile
      var entry = "\(status.st_mode) \(status.st_size)"
      if status.st_mode & S_IFMT == S_IFREG {
        entry += " \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) "
        entry += SHA256.hash(data: FileManager.default.contents(atPath: path) ?? Data()).description
      }
      entries[name] = status.st_mode & S_IFMT == S_IFDIR ? "directory" : entry
    }
    self.entries = entries
  }

  /// Names that differ.
  public func differences(from other: FileListing) -> [String] {
    Set(entries.keys).union(other.entries.keys).filter { entries[$0] != other.entries[$0] }.sorted()
  }
}
