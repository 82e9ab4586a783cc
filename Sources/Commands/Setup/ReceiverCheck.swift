import Capabilities
import Foundation
import Inbox
import JSON
import LocalSystem
import Secrets
import StaunchConfiguration
import Worker

/// Lets the endpoint itself read its settings and secrets, in a directory that is gone afterwards. Nothing listens.
struct ReceiverCheck {
  let assembly: Assembly

  /// - Returns: what the endpoint says when all is well.
  /// - Throws: exit 78 with what it refuses.
  func run(_ receiver: JSONValue) async throws -> String {
    let program = try assembly.receiverProgram()
    let handover = try await ReceiverHandover(receiver, listen: nil, resolve: assembly.receiverSecrets())
    let directory = FileManager.default.temporaryDirectory.path + "/staunch-check-" + Assembly.randomName(8)
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: directory) }  // clean-up only
    try DurableFile.replace(
      directory + "/receiver.json", with: handover.settings.canonicalBytes, mode: 0o600)
    try DurableFile.replace(
      directory + "/inbox.pub", with: Array(InboxPrivateKey().publicKey.text.utf8), mode: 0o600)
    let (child, reading) = try start(program, directory, handover.secrets)
    let said = await reading.text().trimmingCharacters(in: .whitespacesAndNewlines)
    guard await child.ending() == .exited(0) else {
      throw CommandFailure(
        .configuration, "the endpoint refuses its settings",
        because: said.replacing("error: the receiver does not start\n  because: ", with: ""),
        fix: "correct receiver: in staunch.yaml")
    }
    return said
  }

  private func start(_ program: String, _ directory: String, _ secrets: Secret) throws
    -> (ChildProcess, InheritedDescriptor)
  {
    let (reading, writing) = try InheritedDescriptor.pipe("hear the endpoint")
    let secrets = try InheritedDescriptor.holding(secrets, "hand the secrets over")
    let child = try ChildProcess.start(
      program, ["--settings", directory + "/receiver.json", "--secrets-fd", "3", "--check"],
      environment: assembly.receiverEnvironment,
      descriptors: [1: writing, 2: writing, 3: secrets])
    return (child, reading)
  }
}
