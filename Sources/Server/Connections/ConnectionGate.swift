import Synchronization

/// How many connections there may be, in all and from one client (``ClientNetwork``).
final class ConnectionGate: Sendable {
  private struct State {
    var total = 0
    var byClient: [String: Int] = [:]
  }
  private let limits: ReceiverLimits
  /// A proxy speaks for many clients; only the total bounds it.
  private let exempt: Set<String>
  private let state = Mutex(State())

  init(limits: ReceiverLimits, exempt: Set<String>) {
    self.limits = limits
    self.exempt = exempt
  }

  var total: Int { state.withLock { $0.total } }

  /// False when the connection must be closed at once.
  func enter(_ address: String) -> Bool {
    let client = ClientNetwork.of(address)
    return state.withLock { state in
      let own = state.byClient[client, default: 0]
      guard state.total < limits.connections, exempt.contains(address) || own < limits.connectionsPerClient
      else { return false }
      state.total += 1
      state.byClient[client] = own + 1
      return true
    }
  }

  func leave(_ address: String) {
    let client = ClientNetwork.of(address)
    state.withLock { state in
      state.total -= 1
      let rest = state.byClient[client, default: 1] - 1
      state.byClient[client] = rest > 0 ? rest : nil
    }
  }
}
