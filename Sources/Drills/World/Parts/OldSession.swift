import Capabilities

/// A session that somebody opened with the leaked password before the drill began. Changing a password does not end
/// it, so it shows whether sessions were ended.
final class OldSession: Sendable {
  private let session: any SQLSession

  init(_ server: SandboxPostgres, _ password: String, through connector: any SQLConnector)
    async throws(DrillError)
  {
    do {
      session = try await connector.connect(server.login(server.role, password))
    } catch {
      throw DrillError(.sandbox, "open a session with the decoy password", because: error.because)
    }
  }

  /// Whether it still answers.
  func isOpen() async -> Bool {
    do {
      _ = try await session.query("SELECT 1", [])
      return true
    } catch {
      return false  // any error: the session is gone
    }
  }

  func close() async { await session.close() }
}
