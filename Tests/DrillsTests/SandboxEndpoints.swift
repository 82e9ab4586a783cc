@testable import Drills

extension Sandbox {
  /// Ports that are in use, all on loopback: the provider, the ticket sink, the trainer, the issues, the database.
  var endpoints: [SandboxEndpoint] {
    let all = [openAI.endpoint, tickets.endpoint, trainer.endpoint, issues.endpoint]
    switch database {
    case .postgres(let server, _): return all + [server.endpoint]
    case .standIn(let provider): return all + [provider.endpoint]
    }
  }
}
