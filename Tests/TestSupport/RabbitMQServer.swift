import Foundation
public import JSON
public import Secrets

/// A real RabbitMQ with its management API, and an `epmd` of its own.
public final class RabbitMQServer: Sendable {
  /// An administrator.
  public let admin = "admin"
  public let adminPassword: Secret
  public let started: StartedServer
  private let api: CurlCall

  public var url: String { started.url }

  /// One server for all tests of a process. Use users of your own.
  public static func shared() throws -> RabbitMQServer { try sharedServer.get() }
  private static let sharedServer = Result { try RabbitMQServer() }

  public init() throws {
    let password = "admin-" + UUID().uuidString
    adminPassword = Secret(password)
    started = try StartedServer("RabbitMQ", Self.script, ports: 4) { _, ports in
      [
        "rabbitmq.conf": """
        listeners.tcp.1 = 127.0.0.1:\(ports[1])
        management.tcp.ip = 127.0.0.1
        management.tcp.port = \(ports[0])
        default_user = admin
        default_pass = \(password)
        default_user_tags.administrator = true
        log.console = true
        log.file = false

        """,
        "plugins": "[rabbitmq_management].\n",
        ".erlang.cookie": UUID().uuidString,
      ]
    }
    api = try CurlCall(started.url)
  }

  /// Calls the management API as the administrator. - Throws: when it refuses.
  @discardableResult
  public func call(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
    try await api.call(method, path, as: .basic(admin, adminPassword), body.map { .json($0) } ?? .none)
  }

  /// A user that may do everything in `/`.
  public func makeUser(tags: [String] = []) async throws -> (name: String, password: Secret) {
    let name = "user-" + UUID().uuidString.prefix(8).lowercased()
    let password = "Pw" + UUID().uuidString
    try await call(
      "PUT", "/api/users/\(name)", ["password": .string(password), "tags": .array(tags.map { .string($0) })])
    try await call(
      "PUT", "/api/permissions/%2F/\(name)", ["configure": ".*", "write": ".*", "read": ".*"])
    return (name, Secret(password))
  }

  /// An open AMQP connection with a queue of its own, of a client that is none of ours (pika).
  public final class Connection: Sendable {
    private let client: SupervisedServer
    fileprivate init(_ client: SupervisedServer) { self.client = client }

    /// `open` while the server carries out what it is told, else `ended: ` and the server's word.
    public func state() async throws -> String {
      try await Program.run(["curl", "-sS", "http://127.0.0.1:\(client.announcement)/"], in: "/")
    }
  }

  /// - Parameter isDeaf: it reads nothing while nobody asks it for its state, as a hostile one may.
  public func connect(_ user: String, _ password: Secret, isDeaf: Bool = false) throws -> Connection {
    Connection(
      try SupervisedServer(
        "exec /usr/bin/python3 -c \"$1\" \"$2\" \"$3\" \"$4\"",
        arguments: [Self.client, "\(started.ports[1])", user, isDeaf ? "deaf" : "hears"],
        environment: ["STAUNCH_TEST_PASSWORD": password.exposeAsText()]))
  }

  private static let client = """
    import http.server, os, pika, sys, threading, time
    port, user, mood = sys.argv[1:]
    login = pika.PlainCredentials(user, os.environ.pop('STAUNCH_TEST_PASSWORD'))
    connection = pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', int(port), '/', login, heartbeat=0))
    channel = connection.channel()
    queue = channel.queue_declare('', exclusive=True).method.queue
    one, end = threading.Lock(), []
    def hear():
        while not end:
            with one:
                try: connection.process_data_events(0)
                except Exception as error: end.append('ended: ' + str(error))
            time.sleep(0.01)
    class Asked(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with one:
                try:
                    if not end: channel.queue_declare(queue, passive=True)
                except Exception as error: end.append('ended: ' + str(error))
            self.send_response(200)
            self.end_headers()
            self.wfile.write((end[0] if end else 'open').encode())
        def log_message(self, *_): pass
    server = http.server.HTTPServer(('127.0.0.1', 0), Asked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if mood == 'hears': threading.Thread(target=hear, daemon=True).start()
    print('ready', server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)
    """

  private static let script = """
    d=$1 http=$2 amqp=$3 epmd=$4 dist=$5
    server=/usr/lib/rabbitmq/bin/rabbitmq-server
    [ -x "$server" ] || { echo "no RabbitMQ; fix: .ci/packages debian" >&2; exit 1; }
    export ERL_EPMD_PORT="$epmd" ERL_EPMD_ADDRESS=127.0.0.1
    setsid epmd -port "$epmd" -address 127.0.0.1 >/dev/null 2>&1 </dev/null &
    names=$!
    RABBITMQ_NODENAME="t$amqp@localhost" RABBITMQ_CONFIG_FILE="$d/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$d/plugins" \\
      RABBITMQ_MNESIA_BASE="$d/mnesia" RABBITMQ_LOG_BASE="$d/log" RABBITMQ_DIST_PORT="$dist" RABBITMQ_CONF_ENV_FILE="$d/none" \\
      RABBITMQ_PID_FILE="$d/pid" RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}" \\
      setsid "$server" >"$d/out" 2>&1 </dev/null &
    node=$!
    answers "http://127.0.0.1:$http/" 120 || failed "$d/out" "$node" "$names"
    running "$(sed -n 's/.*Starting RabbitMQ \\([0-9.]*\\) on.*/\\1/p' "$d/out" | head -n 1)" "$node" "$names"
    """
}
