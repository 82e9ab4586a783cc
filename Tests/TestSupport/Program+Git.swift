import Foundation

extension Program {
  /// Runs `git` as a made-up author, where a test needs it before anything can be waited for. - Returns: standard output.
  /// - Throws: ``Failure`` when it ends with another status than 0.
  @discardableResult
  public static func git(_ arguments: String...) throws -> String { try git(arguments) }

  /// The same, for arguments that were handed on.
  @discardableResult
  public static func git(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com"] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "git \(arguments.joined(separator: " ")): exit \(process.terminationStatus)")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
