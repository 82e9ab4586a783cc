import Capabilities
import Foundation

extension Assembly {
  /// The bytes of a file, or of standard input for `-`.
  func readInput(_ path: String) throws -> Data {
    if path == "-" { return FileHandle.standardInput.readDataToEndOfFile() }
    DebugLog.note(.info, "file", "reads \(absolute(path))")
    do { return try Data(contentsOf: URL(filePath: absolute(path))) } catch {
      throw CommandFailure(
        .invalidInput, "cannot read \(harmless(path))", because: readFailure(path),
        fix: "name a file that exists, or - for standard input")
    }
  }

  /// `path`, from the working directory when it is relative.
  func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    if path == "~" || path.hasPrefix("~/") { return home + path.dropFirst() }
    return workingDirectory + "/" + path
  }

  private func readFailure(_ path: String) -> String {
    var status = stat()
    if stat(absolute(path), &status) != 0 { return String(cString: strerror(errno)).lowercased() }
    if status.st_mode & S_IFMT == S_IFDIR { return "it is a directory" }
    return "permission denied"
  }
}
