import Foundation
import Inbox
import Journal
import Response

/// The exchange directory of this installation.
enum Exchange {
  static func path(in assembly: Assembly) -> String { assembly.statePath + "/exchange" }

  /// Opens the exchange file as the worker, and leaves the public key beside it for the endpoint.
  static func inbox(in assembly: Assembly) throws -> Inbox {
    let state = try assembly.state()
    let directory = path(in: assembly)
    if !FileManager.default.fileExists(atPath: directory) {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o770])
    }
    let key = try InboxPrivateKey(secret: try state.inboxKey())
    let published = directory + "/inbox.pub"
    // Not read before: the endpoint may have put anything there, a pipe for instance.
    try DurableFile.replace(published, with: Array((key.publicKey.text + "\n").utf8), mode: 0o640)
    return try Inbox.open(path: directory + "/exchange.sqlite", key: key)
  }
}
