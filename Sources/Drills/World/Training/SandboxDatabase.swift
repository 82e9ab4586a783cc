import Capabilities
import Secrets

/// The database whose password leaked: a real PostgreSQL where one is installed, else a stand-in that says so.
enum SandboxDatabase: Sendable {
  case postgres(SandboxPostgres, any SQLConnector)
  /// Accepts and rejects over HTTP. It proves the chain, nothing about PostgreSQL.
  case standIn(SandboxOpenAI)

  /// Whether it accepts `password` now.
  func accepts(_ password: String) async -> Bool {
    switch self {
    case .postgres(let server, let connector):
      await connector.tryLogin(server.login(server.role, password)) == .accepted
    case .standIn(let provider): provider.accepts(password)
    }
  }

  /// Its name in staunch.yaml.
  var credential: String {
    switch self {
    case .postgres: "postgres-training"
    case .standIn: "database-stand-in"
    }
  }

  /// What a person is told about it; nil when it is the real thing.
  var notice: String? {
    switch self {
    case .postgres: nil
    case .standIn:
      "PostgreSQL is not installed: a stand-in on loopback plays the database (sudo apt-get install postgresql)"
    }
  }

  /// Values issued by the stand-in; PostgreSQL's are in the `.env` file alone.
  var issuedValues: [String] {
    switch self {
    case .postgres: []
    case .standIn(let provider): provider.issuedValues
    }
  }

  func stop() {
    switch self {
    case .postgres(let server, _): server.stop()
    case .standIn(let provider): provider.stop()
    }
  }
}
