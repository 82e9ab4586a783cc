import Foundation
import TestSupport
import Testing

/// `staunch` and `staunch status` go past the parser of arguments: nobody may see that.
@Suite struct BareCommandTests {
  @Test(arguments: [[], ["status"]])
  func `without options the answer is that of status with one`(command: [String]) async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let missing = try await (binary.run(command), binary.run(["status", "--no-color"]))
    #expect(missing.0.status == 69, "\(missing.0.output)\(missing.0.errors)")
    #expect(missing.0.errors == missing.1.errors)
    try FileManager.default.createDirectory(
      atPath: directory.path("state"), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    let empty = try await (binary.run(command), binary.run(["status", "--no-color"]))
    #expect(empty.0.status == 0, "\(empty.0.errors)")
    #expect(empty.0.output == empty.1.output)
    #expect(empty.0.output.contains("No open incident"))
    let told = try await binary.run(command, environment: ["STAUNCH_LOG": "info"])
    #expect(told.errors.contains(" info command: staunch "))
  }
}
