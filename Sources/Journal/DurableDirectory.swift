public import Foundation

/// Directories that are still there after a power cut: a new name is durable only once its parent was synchronised.
public enum DurableDirectory {
  /// Creates `path` and every directory above it that is missing, each of them durably. Safe to repeat.
  ///
  /// - Returns: nil, or the error number of what could not be done.
  public static func create(_ path: String, mode: mode_t) -> Int32? {
    var missing: [String] = []
    var current = path
    while !current.isEmpty, current != "/" {
      var status = stat()
      if stat(current, &status) == 0 {
        guard status.st_mode & S_IFMT == S_IFDIR else { return ENOTDIR }
        break
      }
      guard errno == ENOENT else { return errno }
      missing.append(current)
      current = (current as NSString).deletingLastPathComponent
    }
    for directory in missing.reversed() {
      guard mkdir(directory, mode) == 0 || errno == EEXIST else { return errno }
      // The mask of the shell must not decide who may enter.
      guard chmod(directory, mode) == 0 else { return errno }
      if let problem = synchronise((directory as NSString).deletingLastPathComponent) { return problem }
    }
    return nil
  }

  /// Makes the names in `path` durable.
  ///
  /// - Returns: nil, or the error number.
  public static func synchronise(_ path: String) -> Int32? {
    let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    // Some file systems (and some mounts over a network) cannot synchronise a directory: nothing more can be done there.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else { return errno }
    return nil
  }
}
