import Foundation
import NIOSSL
import Synchronization

/// The certificate that new connections get. It can be read again while the server runs: connections that stand keep theirs.
final class CertificateInUse: Sendable {
  private struct State {
    var context: NIOSSLContext
    var end: Date
  }

  private let settings: ReceiverSettings.TLS
  private let secrets: SecretSources
  private let state: Mutex<State>

  /// - Throws: ``SettingsError`` with the file that does not fit.
  init(_ settings: ReceiverSettings.TLS, secrets: SecretSources) throws(SettingsError) {
    self.settings = settings
    self.secrets = secrets
    state = Mutex(try Self.read(settings, secrets))
  }

  var context: NIOSSLContext { state.withLock(\.context) }
  /// When it ends.
  var end: Date { state.withLock(\.end) }

  /// Reads certificate, key and client authorities again, all or nothing.
  /// - Returns: when the new certificate ends.
  /// - Throws: ``SettingsError``; what was in use stays.
  func readAgain() throws(SettingsError) -> Date {
    let new = try Self.read(settings, secrets)
    state.withLock { $0 = new }
    return new.end
  }

  private static func read(_ settings: ReceiverSettings.TLS, _ secrets: SecretSources) throws(SettingsError)
    -> State
  {
    State(
      context: try ServerTLS.context(settings, secrets: secrets), end: try ServerTLS.end(of: settings))
  }
}
