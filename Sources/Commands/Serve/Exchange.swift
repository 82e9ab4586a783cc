import Foundation
import Inbox
import Journal
import Response
import StaunchConfiguration
import Worker

/// The exchange directory of this installation.
enum Exchange {
  /// Where it is: in the state directory, unless staunch.yaml says otherwise.
  ///
  /// - Parameter configuration: staunch.yaml where it is read already; else it is read when there is one.
  static func place(in assembly: Assembly, _ configuration: Configuration? = nil) throws -> ExchangePlace {
    var found = configuration
    if found == nil, assembly.configurationPath != nil { found = try assembly.configuration() }
    return ExchangePlace(found?.exchange, state: assembly.statePath)
  }

  /// Opens the exchange file as the worker, and leaves the public key beside it for the endpoint.
  ///
  /// - Throws: exit 78 when a directory of its own is not as it must be.
  static func inbox(in assembly: Assembly, _ configuration: Configuration? = nil) throws -> Inbox {
    let state = try assembly.state()
    let place = try place(in: assembly, configuration)
    try place.check()
    if place.group == nil, !FileManager.default.fileExists(atPath: place.path) {
      try FileManager.default.createDirectory(
        atPath: place.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o770])
    }
    let key = try InboxPrivateKey(secret: try state.inboxKey())
    let published = place.path + "/inbox.pub"
    // Not read before: the endpoint may have put anything there, a pipe for instance.
    try DurableFile.replace(published, with: Array((key.publicKey.text + "\n").utf8), mode: 0o640)
    return try Inbox.open(path: place.path + "/exchange.sqlite", key: key)
  }
}
