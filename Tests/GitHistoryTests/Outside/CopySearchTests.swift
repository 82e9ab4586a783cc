import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// Leaked values outside of Git.
@Suite struct CopySearchTests {
  /// A directory with files.
  private struct World {
    let directory: TemporaryDirectory

    init() throws {
      directory = try TemporaryDirectory()
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
    }

    /// What is searched.
    var root: String { directory.path("home") }

    func write(_ text: String, _ name: String) throws {
      let url = URL(filePath: root + "/" + name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }

    func search(_ value: String = leaked, limits: ContentLimits = ContentLimits()) async throws -> CopyReport
    {
      try await CopySearch(try SecretPatterns(secrets: [Secret(value)]), limits: limits).run(
        in: [root], progress: Silent())
    }

    /// Without the directory, which has another name each time.
    func shown(_ path: String) -> String { path.replacing(root + "/", with: "") }
  }

  @Test func `files where values are left are told apart, with what to do`() async throws {
    let world = try World()
    let json = leaked.replacing("-", with: #"\u002d"#)
    for (name, text) in [
      (".env", "A=1\nKEY=\(leaked)\n"), ("nb/train.ipynb", #"{"cells":[{"source":["key='\#(leaked)'\n"]}]}"#),
      (".bash_history", "export KEY=\(leaked)\n"),
      (".claude/projects/x/1.jsonl", #"{"text":"use \#(json)"}"#),
      (".cursor/mcp.json", #"{"env":{"KEY":"\#(leaked)"}}"#),
      ("pkg/__pycache__/a.cpython-311.pyc", "\u{0}\u{1}\(leaked)\u{0}"), ("clean.txt", "nothing\n"),
    ] {
      try world.write(text, name)
    }
    let report = try await world.search()
    #expect(report.verdict == .found && report.notSearched.isEmpty && report.files == 7)
    let found = report.places.map { "\(world.shown($0.path)) \($0.kind.rawValue) \($0.line ?? 0)" }
    #expect(
      found == [
        ".bash_history shell history 1", ".claude/projects/x/1.jsonl agent transcript 1",
        ".cursor/mcp.json MCP settings 1", ".env environment file 2", "nb/train.ipynb notebook 1",
        "pkg/__pycache__/a.cpython-311.pyc bytecode 0",
      ])
    #expect(Set(report.places.map(\.fix)).count == 6)
  }

  @Test func `a directory without the value is clean, with something left out it is unknown`() async throws {
    let world = try World()
    try world.write("nothing\n", "a/b")
    #expect(try await world.search().verdict == .clean)
    // A link within is searched where it leads to, one that leads nowhere has nothing.
    try FileManager.default.createSymbolicLink(atPath: world.root + "/in", withDestinationPath: "a/b")
    try FileManager.default.createSymbolicLink(atPath: world.root + "/lost", withDestinationPath: "nowhere")
    #expect(try await world.search().verdict == .clean)
    try Data("\(leaked)\n".utf8).write(to: URL(filePath: world.directory.path("outside")))
    try FileManager.default.createSymbolicLink(atPath: world.root + "/out", withDestinationPath: "../outside")
    #expect(mkfifo(world.root + "/pipe", 0o600) == 0)
    let report = try await world.search()
    #expect(report.verdict == .unknown && report.places.isEmpty)
    #expect(
      report.notSearched.map { "\(world.shown($0.place)): \($0.why)" } == [
        "out: a link that leads outside of what is searched", "pipe: it is a pipe",
      ])
  }

  @Test func `a value in names and links is found, and shown nowhere`() async throws {
    let world = try World()
    try world.write("x", "key-\(leaked).txt")
    try FileManager.default.createSymbolicLink(
      atPath: world.root + "/l", withDestinationPath: "/run/\(leaked)")
    try world.write("\u{1B}[2Jx", "bad\u{1B}name")
    let report = try await world.search()
    #expect(report.places.map(\.part).sorted() == ["link", "name"])
    #expect(!"\(report)".contains(leaked) && !"\(report)".contains("\u{1B}"))
  }

  @Test func `repositories are named: their history is searched on its own`() async throws {
    let world = try World()
    let git = try Git(creating: world.root + "/app")
    try git.write("a", "\(leaked)\n")
    try git(["add", "."])
    try git(["commit", "-qm", "a"])
    try git(["clone", "-q", "--bare", git.path, world.root + "/bare.git"])
    let report = try await world.search()
    #expect(report.places.map { world.shown($0.path) } == ["app/a"])
    #expect(report.repositories.map { world.shown($0) } == ["app/.git", "bare.git"])
    #expect(report.notSearched.isEmpty)
  }

  @Test func `an image that docker saved is searched by layer`() async throws {
    let world = try World()
    // As docker 25 and later write it: an OCI layout within a tar, its layers by their digest.
    let script = """
      import hashlib, io, json, sys, tarfile
      def tarred(members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w') as t:
          for name, data in members:
            info = tarfile.TarInfo(name); info.size = len(data); t.addfile(info, io.BytesIO(data))
        return out.getvalue()
      first = tarred([('app/.env', ('KEY=' + sys.argv[1] + chr(10)).encode())])
      second = tarred([('app/.wh..env', b'')])  # deleted again: the layer below still has it
      blobs = [('blobs/sha256/' + hashlib.sha256(b).hexdigest(), b) for b in (first, second)]
      manifest = json.dumps([{'Config': 'x', 'RepoTags': ['app:1'], 'Layers': [n for n, _ in blobs]}])
      open('home/app.tar', 'wb').write(tarred(blobs + [('manifest.json', manifest.encode())]))
      """
    try await Program.run(["python3", "-c", script, leaked], in: world.directory.path)
    let report = try await world.search()
    let place = try #require(report.places.first)
    #expect(report.places.count == 1 && place.kind == .image && place.line == 1)
    #expect(place.path.hasSuffix("!app/.env") && place.path.contains("app.tar!blobs/sha256/"))
    #expect(place.fix.contains("build the image again"))
  }

  @Test func `an OCI layout is searched by layer, whatever a later one hides`() async throws {
    let world = try World()
    // As `skopeo copy … oci:DIR` and buildx write it: gzipped layers by their digest beside an index.
    let script = """
      import gzip, hashlib, io, json, os, sys, tarfile
      os.makedirs('home/oci/blobs/sha256')
      def blob(data):
        name = hashlib.sha256(data).hexdigest()
        open('home/oci/blobs/sha256/' + name, 'wb').write(data)
        return {'digest': 'sha256:' + name, 'size': len(data)}
      def layer(name, text):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w') as t:
          info = tarfile.TarInfo(name); info.size = len(text); t.addfile(info, io.BytesIO(text))
        return blob(gzip.compress(out.getvalue()))
      layers = [layer('root/.netrc', b'password ' + sys.argv[1].encode()), layer('root/.wh..netrc', b'')]
      config = blob(json.dumps({'history': [{'created_by': 'ARG TOKEN=' + sys.argv[1]}]}).encode())
      manifest = blob(json.dumps({'schemaVersion': 2, 'config': config, 'layers': layers}).encode())
      open('home/oci/index.json', 'w').write(json.dumps({'schemaVersion': 2, 'manifests': [manifest]}))
      open('home/oci/oci-layout', 'w').write('{"imageLayoutVersion": "1.0.0"}')
      """
    try await Program.run(["python3", "-c", script, leaked], in: world.directory.path)
    let report = try await world.search()
    #expect(report.places.count == 2 && report.places.allSatisfy { $0.kind == .image })
    #expect(report.places.contains { $0.path.hasSuffix("!root/.netrc") })
    #expect(report.notSearched.isEmpty, "\(report.notSearched)")
  }

  @Test func `what Python compiled, wheels of it, and databases of agents are searched, deleted rows too`()
    async throws
  {
    let world = try World()
    let script = """
      import os, py_compile, sqlite3, sys, zipfile
      value = sys.argv[1]
      os.makedirs('home/pkg'); os.makedirs('home/.config/Cursor/User/globalStorage')
      open('settings.py', 'w').write('KEY = "' + value + '"' + chr(10))
      py_compile.compile('settings.py', cfile='home/pkg/settings.cpython-311.pyc')
      with zipfile.ZipFile('home/app-1.0-py3-none-any.whl', 'w', zipfile.ZIP_DEFLATED) as z:
        z.write('home/pkg/settings.cpython-311.pyc', 'app/settings.pyc')
      db = sqlite3.connect('home/.config/Cursor/User/globalStorage/state.vscdb')
      db.execute('PRAGMA secure_delete = OFF'); db.execute('CREATE TABLE t (v)')
      db.execute('INSERT INTO t VALUES (?)', ('{"text": "use ' + value + '"}',)); db.commit()
      db.execute('DELETE FROM t'); db.commit(); db.close()
      """
    try await Program.run(["python3", "-c", script, leaked], in: world.directory.path)
    let report = try await world.search()
    #expect(
      report.places.map { "\(world.shown($0.path)) \($0.kind.rawValue)" } == [
        ".config/Cursor/User/globalStorage/state.vscdb agent transcript",
        "app-1.0-py3-none-any.whl!app/settings.pyc archive", "pkg/settings.cpython-311.pyc bytecode",
      ])
    #expect(report.places.allSatisfy { $0.line == nil || $0.kind != .bytecode })
    #expect(report.notSearched.isEmpty, "\(report.notSearched)")
  }

  // MARK: Terraform

  @Test func `a state is told by resource and attribute, with the write-only argument to move to`()
    async throws
  {
    let world = try World()
    // As Terraform 1.11.4 wrote it with the aws provider 5.100.0, shortened.
    let state = """
      {"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "4ba0…",
       "outputs": {"password": {"value": "\(leaked)", "type": "string", "sensitive": true}},
       "resources": [
        {"module": "module.db[\\"eu\\"]", "mode": "managed", "type": "aws_db_instance", "name": "main",
         "provider": "provider[\\"registry.terraform.io/hashicorp/aws\\"]",
         "instances": [{"index_key": 0, "schema_version": 2, "attributes": {"id": "db-1", "password": "\(leaked)"}}]},
        {"mode": "managed", "type": "aws_iam_access_key", "name": "ci",
         "instances": [{"schema_version": 0, "attributes": {"id": "x", "secret": "\(leaked)", "status": "Active"}}]},
        {"mode": "managed", "type": "aws_secretsmanager_secret_version", "name": "s",
         "instances": [{"attributes": {"secret_string": "{\\"key\\":\\"\(leaked)\\"}"}, "deposed": "00aa"}]}],
       "check_results": null}
      """
    try world.write(state, "terraform.tfstate.backup")
    let report = try await world.search()
    #expect(
      report.places.compactMap { $0.resource.map { "\($0.address) \($0.attribute)" } } == [
        "output.password value", "module.db[\"eu\"].aws_db_instance.main[0] password",
        "aws_iam_access_key.ci secret", "aws_secretsmanager_secret_version.s (deposed 00aa) secret_string",
      ])
    #expect(report.places.count == 4 && report.places.allSatisfy { $0.kind == .terraformState })
    #expect(
      report.places[1].fix.contains(
        "password_wo = an ephemeral value in place of password, and password_wo_version"))
    #expect(report.places[3].fix.contains("secret_string_wo_version"))
    #expect(report.traps.count == 1 && report.traps[0].contains("aws_iam_access_key.ci Active again"))
  }

  /// Format version 1.2 of "JSON Output Format", shortened.
  @Test
  func
    `a plan as JSON is told by address and side, with the write-only argument, and reactivates the same key`()
    async throws
  {
    let world = try World()
    let plan = """
      {"format_version": "1.2", "terraform_version": "1.11.4",
       "variables": {"token": {"value": "\(leaked)"}},
       "planned_values": {"root_module": {"child_modules": [{"address": "module.db", "resources": [
         {"address": "module.db.aws_ssm_parameter.p[\\"eu\\"]", "mode": "managed", "type": "aws_ssm_parameter",
          "values": {"value": "\(leaked)"}}]}]}},
       "resource_changes": [
         {"address": "aws_db_instance.main", "type": "aws_db_instance",
          "change": {"actions": ["update"], "before": {"password": "\(leaked)"}, "after": {"password": "moved"}}},
         {"address": "aws_iam_access_key.ci", "type": "aws_iam_access_key",
          "change": {"actions": ["update"], "before": {"secret": "\(leaked)", "status": "Inactive"}, "after": {"status": "Active"}}}],
       "configuration": {"root_module": {"variables": {"fallback": {"default": "\(leaked)"}}}}}
      """
    try world.write(plan, "plan.json")
    let report = try await world.search()
    let found = Dictionary(
      uniqueKeysWithValues: report.places.map {
        ($0.resource.map { "\($0.address) \($0.attribute)" } ?? "line", $0.fix)
      })
    #expect(
      Set(found.keys) == [
        "var.token value", "module.db.aws_ssm_parameter.p[\"eu\"] value",
        "aws_db_instance.main before.password",
        "aws_iam_access_key.ci before.secret", "var.fallback default",
      ])
    #expect(found["module.db.aws_ssm_parameter.p[\"eu\"] value"]?.contains("value_wo") == true)
    #expect(found["aws_db_instance.main before.password"]?.contains("password_wo_version") == true)
    #expect(found["var.token value"]?.contains("ephemeral = true") == true)
    #expect(found.values.allSatisfy { $0.contains("delete this plan") })
    #expect(report.places.allSatisfy { $0.kind == .terraformPlan } && report.traps.count == 1)
  }

  @Test func `an encrypted state of OpenTofu is not called clean`() async throws {
    let world = try World()
    try world.write(
      #"{"serial":1,"lineage":"x","meta":{"key_provider.pbkdf2.k":"eyJ9"},"encrypted_data":"AAAA","encryption_version":"v0"}"#,
      "terraform.tfstate")
    let report = try await world.search()
    #expect(report.verdict == .unknown && report.notSearched.map(\.why) == ["it is encrypted"])
  }

  private static let hasTerraform = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .contains { FileManager.default.isExecutableFile(atPath: "\($0)/terraform") }

  @Test(.enabled(if: hasTerraform, "no terraform here: its state and plans are not made"))
  func `what Terraform itself writes is told by resource: state, saved plan, plan as JSON`() async throws {
    let world = try World()
    // With a sign that JSON of Go escapes.
    let value = leaked + "&7"
    try world.write(
      """
      variable "token" {
        type      = string
        sensitive = true
      }
      resource "terraform_data" "app" {
        for_each = { "eu" = "x" }
        input    = { settings = { TOKEN = var.token } }
      }
      """, "main.tf")
    let environment = [
      "TF_VAR_token": value, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
      "TF_CLI_CONFIG_FILE": "/dev/null",
    ]
    for arguments in [
      ["init", "-input=false"], ["apply", "-input=false", "-auto-approve"],
      ["plan", "-input=false", "-out=saved.tfplan"],
    ] {
      try await Program.run(["terraform"] + arguments, in: world.root, environment: environment)
    }
    let plan = try await Program.run(
      ["terraform", "show", "-json", "saved.tfplan"], in: world.root, environment: environment)
    try world.write(plan, "plan.json")
    let report = try await world.search(value)
    let found = Set(
      report.places.map { place in
        let path = world.shown(place.path)
        return place.resource.map { "\(path) \($0.address) \($0.attribute)" } ?? path
      })
    let resource = "terraform_data.app[\"eu\"]"
    for expected in [
      "terraform.tfstate \(resource) input.value.settings.TOKEN", "plan.json var.token value",
      "plan.json \(resource) before.input.settings.TOKEN",
      "saved.tfplan!tfstate \(resource) input.value.settings.TOKEN",
    ] {
      #expect(found.contains(expected), "\(expected) \(found)")
    }
    #expect(
      report.places.filter { $0.path.contains("saved.tfplan!") }.allSatisfy { $0.kind == .terraformPlan })
    #expect(report.notSearched.isEmpty)
  }
}
