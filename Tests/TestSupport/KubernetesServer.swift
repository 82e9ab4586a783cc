import Foundation
public import JSON
public import Secrets
import Synchronization

/// A real Kubernetes API server with etcd and the controllers of Deployments, on loopback, and no kubelet: a test says what
/// became of pods.
///
/// Its programs are built once into a directory outside the clone (`.ci/kubernetes`); without them its tests say that they
/// were not run.
public final class KubernetesServer: Sendable {
  public let url: String
  /// The authority of its certificate, a file.
  public let authority: String
  /// May do everything.
  public let admin: Secret
  /// May nothing until a test gives it a role: the user `staunch`.
  public let rotator: Secret
  private let directory: TemporaryDirectory
  private let certificates: CertificateAuthority
  private let server: SupervisedServer

  private static var cache: String {
    let environment = ProcessInfo.processInfo.environment
    return environment["STAUNCH_KUBERNETES"] ?? (environment["HOME"] ?? "/root")
      + "/.cache/staunch/kubernetes"
  }

  /// True in `make test-heavy` where the programs are.
  public static let isWanted: Bool =
    ProcessInfo.processInfo.environment["STAUNCH_HEAVY"] == "1"
    && FileManager.default.isExecutableFile(atPath: cache + "/kube-apiserver")
    && FileManager.default.isExecutableFile(atPath: cache + "/kube-controller-manager")
  public static let notice =
    "NOT RUN: a real Kubernetes API server is started by make test-heavy where .ci/kubernetes has built one"

  private static let script = """
    d=$1 programs=$2 etcd=$3 peer=$4 api=$5 admin=$6
    command -v etcd >/dev/null || { echo "no etcd; fix: apt-get install etcd-server" >&2; exit 1; }
    openssl genrsa -out "$d/sa.key" 2048 2>/dev/null || exit 1
    etcd --data-dir "$d/etcd" --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \\
      --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \\
      --initial-cluster "default=http://127.0.0.1:$peer" >"$d/etcd.log" 2>&1 </dev/null &
    a=$!
    "$programs/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd" --secure-port "$api" --bind-address 127.0.0.1 \\
      --advertise-address 127.0.0.1 --tls-cert-file "$d/server.pem" --tls-private-key-file "$d/server.key" \\
      --cert-dir "$d/certs" --token-auth-file "$d/tokens" --authorization-mode RBAC \\
      --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$d/sa.key" \\
      --service-account-signing-key-file "$d/sa.key" --service-cluster-ip-range 10.0.0.0/24 \\
      --disable-admission-plugins ServiceAccount >"$d/api.log" 2>&1 </dev/null &
    b=$!
    stop() { kill $c $b $a 2>/dev/null; wait; rm -rf "$d"; }
    curl -sS --retry 120 --retry-delay 1 --retry-connrefused --retry-all-errors --max-time 120 --fail -o /dev/null \\
      --cacert "$d/ca.pem" -H "Authorization: Bearer $admin" "https://127.0.0.1:$api/readyz" 2>/dev/null \\
      || { tail -20 "$d/api.log" >&2; stop; exit 1; }
    "$programs/kube-controller-manager" --kubeconfig "$d/kubeconfig" --leader-elect=false \\
      --controllers deployment,replicaset >"$d/controllers.log" 2>&1 </dev/null &
    c=$!
    echo ready
    cat >/dev/null
    stop

    """

  public init() async throws {
    directory = try TemporaryDirectory()
    certificates = try await CertificateAuthority()
    let (admin, rotator) = ("admin-" + UUID().uuidString, "staunch-" + UUID().uuidString)
    self.admin = Secret(admin)
    self.rotator = Secret(rotator)
    authority = certificates.path
    let own = try await certificates.sign("IP:127.0.0.1,DNS:kubernetes.default.svc")
    for (from, to) in [(authority, "ca.pem"), (own.certificate, "server.pem"), (own.key, "server.key")] {
      try FileManager.default.copyItem(atPath: from, toPath: directory.path(to))
    }
    try "\(admin),admin,1,\"system:masters\"\n\(rotator),staunch,2\n".write(
      toFile: directory.path("tokens"), atomically: true, encoding: .utf8)
    let ports = [
      try SupervisedServer.freePort(), try SupervisedServer.freePort(), try SupervisedServer.freePort(),
    ]
    url = "https://127.0.0.1:\(ports[2])"
    // JSON is YAML.
    try #"""
    {"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
     "clusters":[{"name":"c","cluster":{"server":"\#(url)","certificate-authority":"\#(directory.path("ca.pem"))"}}],
     "users":[{"name":"u","user":{"token":"\#(admin)"}}]}
    """#.write(toFile: directory.path("kubeconfig"), atomically: true, encoding: .utf8)
    try "Authorization: Bearer \(admin)\n".write(
      toFile: directory.path("header"), atomically: true, encoding: .utf8)
    server = try SupervisedServer(
      Self.script, arguments: [directory.path, Self.cache] + ports.map { "\($0)" } + [admin])
  }

  deinit { server.stop() }

  /// Calls its API as `admin`. - Throws: when it refuses.
  @discardableResult
  public func call(
    _ method: String, _ path: String, _ body: JSONValue? = nil, type: String = "application/json"
  ) async throws -> JSONValue {
    let file = directory.path(UUID().uuidString)
    try (body?.canonicalText ?? "").write(toFile: file, atomically: true, encoding: .utf8)
    let text = try await Program.run(
      [
        "curl", "-sS", "--fail", "--cacert", authority, "-H", "@" + directory.path("header"), "-H",
        "Content-Type: \(type)",
        "-X", method,
      ] + (body == nil ? [] : ["--data-binary", "@" + file]) + [url + path], in: "/")
    return try JSONValue(parsing: Data(text.utf8))
  }

  /// A namespace of its own where the user `staunch` may `verbs`; the cluster's own resources among them.
  public func makeNamespace(_ rules: [JSONValue]) async throws -> String {
    let name = "t-" + UUID().uuidString.prefix(8).lowercased()
    let rbac = "/apis/rbac.authorization.k8s.io/v1"
    try await call("POST", "/api/v1/namespaces", ["metadata": ["name": .string(name)]])
    let subject: JSONValue = ["kind": "User", "name": "staunch", "apiGroup": "rbac.authorization.k8s.io"]
    try await call(
      "POST", "\(rbac)/clusterroles", ["metadata": ["name": .string(name)], "rules": .array(rules)])
    try await call(
      "POST", "\(rbac)/clusterrolebindings",
      [
        "metadata": ["name": .string(name)], "subjects": [subject],
        "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name)],
      ])
    return name
  }
}
