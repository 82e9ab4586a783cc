import Foundation
import JSON
public import Secrets

/// docker-registry of Debian (the reference of the distribution API) on loopback, with a login of its own.
public final class RegistryServer: Sendable {
  /// `127.0.0.1:PORT`, as images are named.
  public let host: String
  public let user = "ci"
  public let password: Secret
  private let directory: TemporaryDirectory
  private let server: SupervisedServer

  public init() throws {
    directory = try TemporaryDirectory()
    let word = "registry-" + UUID().uuidString
    password = Secret(word)
    var started: (server: SupervisedServer, port: Int)?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      do {
        let server = try SupervisedServer(Self.script, arguments: [directory.path, "\(port)", word])
        started = (server, port)
      } catch {
        lastError = error  // perhaps somebody else took the port
      }
    }
    guard let started else { throw lastError }
    server = started.server
    host = "127.0.0.1:\(started.port)"
  }

  /// Stops it at once.
  public func stop() { server.stop() }

  /// Pushes an image as a builder does: gzipped tars, a configuration, a manifest under every tag.
  /// - Parameters:
  ///   - layers: files by name, the lowest layer first.
  ///   - environment: of the configuration: `KEY=value`.
  /// - Returns: the manifest's digest.
  public func push(
    _ repository: String, tags: [String], environment: [String] = [], layers: [[String: String]]
  ) async throws -> String {
    let image: JSONValue = [
      "repository": .string(repository), "tags": .array(tags.map { .string($0) }),
      "config": ["config": ["Env": .array(environment.map { .string($0) })]],
      "layers": .array(layers.map { .object($0.mapValues { .string($0) }) }),
    ]
    let file = directory.path(UUID().uuidString)
    try image.canonicalText.write(toFile: file, atomically: false, encoding: .utf8)
    let script = directory.path("push.py")
    try Self.push.write(toFile: script, atomically: true, encoding: .utf8)
    let printed = try await Program.run(
      ["python3", script, "http://\(host)", file], in: "/", environment: ["LOGIN": login])
    return printed.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Deletes a manifest; its blobs stay until a garbage collection, as at every registry.
  public func delete(_ digest: String, of repository: String) async throws {
    let file = directory.path(UUID().uuidString)
    try "user = \"\(login)\"\n".write(toFile: file, atomically: false, encoding: .utf8)
    try await Program.run(
      [
        "curl", "-sS", "--fail", "-K", file, "-X", "DELETE",
        "http://\(host)/v2/\(repository)/manifests/\(digest)",
      ], in: "/")
  }

  private var login: String { "\(user):\(password.exposeAsText())" }

  private static let push = """
    import base64, gzip, hashlib, io, json, os, sys, tarfile, urllib.request
    base, spec = sys.argv[1], json.load(open(sys.argv[2]))
    login = {'Authorization': 'Basic ' + base64.b64encode(os.environ['LOGIN'].encode()).decode()}
    def call(method, url, body, kind):
      url = url if url.startswith('http') else base + url
      return urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers={**login, 'Content-Type': kind}))
    def digest(data): return 'sha256:' + hashlib.sha256(data).hexdigest()
    def blob(data):
      place = call('POST', f"/v2/{spec['repository']}/blobs/uploads/", b'', 'application/octet-stream').headers['Location']
      place += ('&' if '?' in place else '?') + 'digest=' + digest(data)
      call('PUT', place, data, 'application/octet-stream')
      return {'digest': digest(data), 'size': len(data)}
    def layer(files):
      out = io.BytesIO()
      with tarfile.open(fileobj=out, mode='w') as t:
        for name, text in sorted(files.items()):
          info = tarfile.TarInfo(name); info.size = len(text.encode()); t.addfile(info, io.BytesIO(text.encode()))
      return {'mediaType': 'application/vnd.oci.image.layer.v1.tar+gzip', **blob(gzip.compress(out.getvalue(), 1, mtime=0))}
    kind = 'application/vnd.oci.image.manifest.v1+json'
    config = {'mediaType': 'application/vnd.oci.image.config.v1+json', **blob(json.dumps(spec['config']).encode())}
    manifest = json.dumps({'schemaVersion': 2, 'mediaType': kind, 'config': config,
      'layers': [layer(files) for files in spec['layers']]}).encode()
    for tag in spec['tags']: call('PUT', f"/v2/{spec['repository']}/manifests/{tag}", manifest, kind)
    print(digest(manifest))

    """

  // perl is a part of every Debian, and its crypt knows bcrypt, which the registry wants.
  private static let script = """
    d=$1 port=$2
    command -v docker-registry >/dev/null || { echo "no docker-registry; fix: apt-get install docker-registry" >&2; exit 1; }
    WORD=$3 perl -e 'print "ci:" . crypt($ENV{WORD}, "\\$2b\\$05\\$" . ("a" x 21) . "u") . "\\n"' >"$d/htpasswd"
    cat >"$d/config.yml" <<END
    version: 0.1
    storage: {filesystem: {rootdirectory: "$d/data"}, delete: {enabled: true}}
    http: {addr: "127.0.0.1:$port"}
    auth: {htpasswd: {realm: staunch, path: "$d/htpasswd"}}
    END
    docker-registry serve "$d/config.yml" >"$d/log" 2>&1 </dev/null &
    a=$!
    curl -sS --retry 60 --retry-delay 1 --retry-connrefused --max-time 60 -o /dev/null "http://127.0.0.1:$port/v2/" 2>/dev/null \\
      || { tail -5 "$d/log" >&2; kill $a; exit 1; }
    echo ready
    cat >/dev/null
    kill $a
    wait

    """
}
