@testable import Drills

extension Sandbox {
  /// Ports that are in use, all on loopback. Of the training script: the provider, the ticket sink, the trainer, the issues, the
  /// database.
  var endpoints: [SandboxEndpoint] {
    var all = world.endpoints
    all.insert(tickets.endpoint, at: 1)
    all.insert(issues.endpoint, at: min(3, all.count))
    return all
  }

  /// The training script's world; nil: it is another one.
  var training: TrainingWorld? { world as? TrainingWorld }
}
