import Foundation

/// A directory for the front of PATH whose programs record their arguments and environment, then become the real one.
public struct ProgramShim: Sendable {
  /// Goes first in PATH.
  public let directory: String
  /// One file for each call: arguments, a blank line, the environment; each NUL-separated.
  public let records: String

  /// - Parameters:
  ///   - programs: names such as `git`.
  ///   - root: an existing directory.
  public init(_ programs: [String], in root: String) throws {
    directory = root + "/shim"
    records = root + "/shim-records"
    for path in [directory, records] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    for program in programs {
      let script = """
        #!/bin/bash
        record=$(mktemp "\(records)/\(program).XXXXXXXX")
        { printf '%s\\0' "$0" "$@"; printf '\\n\\n'; cat /proc/self/environ; } >"$record"
        PATH="${PATH#"\(directory)":}"
        exec "\(program)" "$@"

        """
      let file = directory + "/" + program
      try script.write(toFile: file, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    }
  }

  /// How often a program was started.
  public func calls() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: records).count }
}
