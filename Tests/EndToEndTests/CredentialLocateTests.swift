import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// `staunch credential locate` as a user calls it. The real binary.
@Suite struct CredentialLocateTests {
  private static let value = "locate-" + "Me&Zinnia-" + "88Qx7"

  /// A home with a directory `files` to search.
  private static func world(_ configuration: String = "staunch: 1\n") throws -> (
    TemporaryDirectory, StaunchBinary
  ) {
    let (directory, binary) = try StaunchBinary.world(configuration)
    try FileManager.default.createDirectory(
      atPath: directory.path("files"), withIntermediateDirectories: false)
    return (directory, binary)
  }

  private func locate(
    _ binary: StaunchBinary, _ more: [String] = [], value: String = value
  ) async throws -> StaunchBinary.Outcome {
    try await binary.run(
      ["credential", "locate", "files", "--value-from", "env:LEAKED"] + more, environment: ["LEAKED": value])
  }

  @Test func `clean is 0, found is 10, and what could not be searched makes it 69`() async throws {
    let (directory, binary) = try Self.world()
    let clean = try await locate(binary)
    #expect(clean.status == 0 && clean.output == "clean: 0 files, 0 bytes, 0 places\n", "\(clean.errors)")
    try await Program.run(
      [
        "python3", "-c",
        "import tarfile; open('a','w').write('x'); tarfile.open('files/a.tar.xz','w:xz').add('a')",
      ],
      in: directory.path)
    let unknown = try await locate(binary)
    #expect(unknown.status == 69, "\(unknown.output)\(unknown.errors)")
    #expect(unknown.output.contains("compressed with xz") && unknown.output.contains("unknown: 0 places"))
    try "KEY=\(Self.value)\n".write(toFile: directory.path("files/.env"), atomically: true, encoding: .utf8)
    let found = try await locate(binary)
    #expect(found.status == 10)
    #expect(
      found.output.contains("environment file  \(directory.path)/files/.env:1  (raw)\n"), "\(found.output)")
    #expect(found.output.contains("fix: environment file: "))
    for outcome in [clean, unknown, found] {
      #expect(!(outcome.output + outcome.errors).contains(Self.value))
    }
  }

  @Test func `the answer as JSON names member, line, form and what was not searched`() async throws {
    let (directory, binary) = try Self.world()
    try await Program.run(
      [
        "python3", "-c",
        "import sys, zipfile; z = zipfile.ZipFile('files/app.whl', 'w', zipfile.ZIP_DEFLATED); "
          + "z.writestr('app/\\x1b[2Jconfig.py', 'a = 1\\nkey = \"' + sys.argv[1] + '\"\\n'); z.close()",
        Self.value,
      ], in: directory.path)
    let outcome = try await locate(binary, ["--json"])
    #expect(outcome.status == 10, "\(outcome.errors)")
    let document = try JSONValue(parsing: outcome.output)
    let place = try #require(document["places"]?[0])
    #expect(document["verdict"]?.string == "found" && document["not_searched"]?.array?.isEmpty == true)
    #expect(place["path"]?.string == "\(directory.path)/files/app.whl!app/?[2Jconfig.py")
    #expect(
      place["line"]?.integer == 2 && place["form"]?.string == "raw" && place["kind"]?.string == "archive")
    #expect(document["forms_not_searched"]?.array?.isEmpty == false)
    #expect(!outcome.output.contains(Self.value))
  }

  @Test func `without a value, with a plain one, and without a path it says what to give, and shows nothing`()
    async throws
  {
    let (directory, binary) = try Self.world()
    defer { withExtendedLifetime(directory) {} }
    let nothing = try await binary.run(["credential", "locate", "files"])
    #expect(nothing.status == 64 && nothing.errors.contains("--value-from"), "\(nothing.errors)")
    let plain = try await binary.run(["credential", "locate", "files", "--value-from", Self.value])
    #expect(plain.status != 0 && !(plain.output + plain.errors).contains(Self.value), "\(plain.errors)")
    let nowhere = try await binary.run(
      ["credential", "locate", "nowhere", "--value-from", "env:LEAKED"], environment: ["LEAKED": Self.value])
    #expect(nowhere.status != 0 && nowhere.errors.contains("nowhere"), "\(nowhere.errors)")
    let unknown = try await binary.run(["credential", "locate", "files", "--incident", Self.value])
    #expect(unknown.status == 65 && !(unknown.output + unknown.errors).contains(Self.value))
  }

  @Test func `copies of an incident stand in status and plan, and close refuses until they are gone`()
    async throws
  {
    let (directory, binary) = try Self.world("staunch: 1\nroutes: [{playbook: mine}]\n")
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    inputs: {incident: {type: incident}}
    steps: [{id: look, manual: Look}]
    """.write(toFile: directory.path("playbooks/mine.yaml"), atomically: true, encoding: .utf8)
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [["kind": "generic_password", "value": .string(Self.value), "path": "a.py", "line": 1]],
    ]
    try report.canonicalText.write(toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
    let responded = try await binary.run(["respond", "report.json", "--json"])
    let id = try #require(
      try JSONValue(parsing: responded.output)["incidents"]?[0]?["id"]?.string, "\(responded.errors)")
    // A key in Terraform's state is made Active again by the next apply.
    let state: JSONValue = [
      "version": 4, "terraform_version": "1.11.4", "lineage": "x", "serial": 1, "outputs": [:],
      "resources": [
        [
          "mode": "managed", "type": "aws_iam_access_key", "name": "ci",
          "instances": [["attributes": ["secret": .string(Self.value)]]],
        ]
      ],
    ]
    try state.canonicalText.write(
      toFile: directory.path("files/terraform.tfstate"), atomically: true, encoding: .utf8)
    let found = try await binary.run(["credential", "locate", "files", "--incident", id])
    #expect(found.status == 10, "\(found.output)\(found.errors)")
    #expect(found.output.contains("aws_iam_access_key.ci  secret"), "\(found.output)")
    let trap = "makes the access key of aws_iam_access_key.ci Active again"
    #expect(found.output.contains("trap: ") && found.output.contains(trap))
    let shown = try await binary.run(["show", id])
    #expect(shown.output.contains("copy outside of Git: Terraform state"), "\(shown.output)\(shown.errors)")
    let plan = try await binary.run(["plan", id])
    #expect(plan.status == 0 && plan.output.contains(trap), "\(plan.output)\(plan.errors)")
    let refused = try await binary.run(["close", id, "--unproven", "--reason", "enough"])
    #expect(refused.status == 77, "\(refused.output)\(refused.errors)")
    #expect(refused.errors.contains("outside of Git") && refused.errors.contains("staunch credential locate"))
    // Deleted by hand; a search of another place shows nothing of it.
    try FileManager.default.removeItem(atPath: directory.path("files/terraform.tfstate"))
    _ = try await binary.run(["credential", "locate", "playbooks", "--incident", id])
    #expect(try await binary.run(["close", id, "--unproven", "--reason", "enough"]).status == 77)
    let clean = try await binary.run(["credential", "locate", "files", "--incident", id])
    #expect(clean.status == 0, "\(clean.output)\(clean.errors)")
    let closed = try await binary.run(["close", id, "--unproven", "--reason", "enough"])
    #expect(closed.status == 0, "\(closed.output)\(closed.errors)")
    let journal = try await binary.run(["journal", "export"])
    #expect(journal.output.contains("credential.locate") && !journal.output.contains(Self.value))
  }

  @Test func `a state behind HTTP is read with Terraform's own login, and what is refused is not clean`()
    async throws
  {
    let (directory, binary) = try Self.world()
    defer { withExtendedLifetime(directory) {} }
    let password = "backend-" + "Password-4711"
    let login = "Basic " + Data("ci:\(password)".utf8).base64EncodedString()
    let state: JSONValue = [
      "version": 4, "terraform_version": "1.11.4", "lineage": "x", "serial": 1, "resources": [],
      "outputs": ["key": ["value": .string(Self.value), "type": "string"]],
    ]
    let text = state.canonicalText
    let server = try LoopbackServer { request in
      guard request.headers["authorization"] == login else { return .answer(401) }
      switch request.path {
      case "/state/prod": return .json(200, text)
      case "/state/new": return .answer(204)
      default: return .answer(404)
      }
    }
    func locate(_ paths: [String], _ password: String) async throws -> StaunchBinary.Outcome {
      try await binary.run(
        ["credential", "locate", "--value-from", "env:LEAKED"] + paths.map { "\(server.url)/state/\($0)" },
        environment: ["LEAKED": Self.value, "TF_HTTP_USERNAME": "ci", "TF_HTTP_PASSWORD": password])
    }
    let found = try await locate(["prod"], password)
    #expect(found.status == 10, "\(found.output)\(found.errors)")
    #expect(found.output.contains("\(server.url)/state/prod  output.key  value"), "\(found.output)")
    #expect(try await locate(["new"], password).status == 0)
    for (path, word, why) in [("prod", "wrong", "TF_HTTP_PASSWORD"), ("typo", password, "404")] {
      let refused = try await locate([path], word)
      #expect(refused.status == 69, "\(refused.output)\(refused.errors)")
      #expect(refused.output.contains("not searched: \(server.url)/state/\(path): "))
      #expect(refused.output.contains(why), "\(refused.output)")
    }
    // Nobody says which of two it is for.
    #expect(try await locate(["prod", "new"], password).status == 69)
    let half = try await binary.run(
      ["credential", "locate", "--value-from", "env:LEAKED", "\(server.url)/state/prod"],
      environment: ["LEAKED": Self.value, "TF_HTTP_PASSWORD": password])
    #expect(half.status == 64 && half.errors.contains("set TF_HTTP_USERNAME, too"), "\(half.errors)")
    let login2 = try await binary.run(
      ["credential", "locate", "https://ci:\(password)@localhost/state", "--value-from", "env:LEAKED"],
      environment: ["LEAKED": Self.value])
    #expect(login2.status == 64 && !login2.errors.contains(password), "\(login2.errors)")
    #expect(server.requests.allSatisfy { $0.method == "GET" })
  }

  @Test func `a bucket's former versions and an image's layers are found, with logins of the environment`()
    async throws
  {
    let (directory, binary) = try Self.world()
    // The server and the registry start before its first use: without this the directory is gone by then.
    defer { withExtendedLifetime(directory) {} }
    let server = try MiniStackServer.shared()
    let bucket = MiniStackServer.name("states")
    try await server.makeBucket(bucket)
    try await server.setVersioning(of: bucket)
    try await server.putObject(bucket, "prod.env", "KEY=\(Self.value)\n")
    try await server.putObject(bucket, "prod.env", "KEY=moved\n")
    let registry = try RegistryServer()
    let digest = try await registry.push("app", tags: ["1"], layers: [["app/.env": "KEY=\(Self.value)\n"]])
    let login = [
      "LEAKED": Self.value, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
      "AWS_REGION": "us-east-1",
      "AWS_ENDPOINT_URL_S3": server.url, "REGISTRY_USERNAME": registry.user,
      "REGISTRY_PASSWORD": registry.password.exposeAsText(),
    ]
    let paths = ["s3://\(bucket)/", "docker://\(registry.host)/app:1"]
    let found = try await binary.run(
      ["credential", "locate", "--value-from", "env:LEAKED"] + paths, environment: login)
    #expect(found.status == 10, "\(found.output)\(found.errors)")
    #expect(found.output.contains("environment file  s3://\(bucket)/prod.env (version "), "\(found.output)")
    #expect(found.output.contains(", former):1  (raw)\n"), "\(found.output)")
    #expect(found.output.contains("image layer  docker://\(registry.host)/app@\(digest)/blobs/sha256/"))
    #expect(found.output.contains(" (tag 1)!app/.env:1  (raw)\n"), "\(found.output)")
    for path in paths {
      let refused = try await binary.run(
        ["credential", "locate", "--value-from", "env:LEAKED", path], environment: ["LEAKED": Self.value])
      #expect([64, 69].contains(refused.status), "\(refused.output)\(refused.errors)")
      #expect(
        (refused.output + refused.errors).contains(
          path.hasPrefix("s3") ? "AWS_ACCESS_KEY_ID" : "REGISTRY_PASSWORD"))
    }
    let inline = try await binary.run(
      ["credential", "locate", "--value-from", "env:LEAKED", "docker://ci:word@registry.example/app"],
      environment: ["LEAKED": Self.value])
    #expect(inline.status == 64 && !inline.errors.contains("ci:word"), "\(inline.errors)")
    #expect(!(found.output + found.errors).contains(Self.value))
    #expect(!(found.output + found.errors).contains(registry.password.exposeAsText()))
  }

  @Test(.timeLimit(.minutes(10)))
  func `what unpacks to a gigabyte is searched to its end in the memory of a few windows`() async throws {
    let (directory, binary) = try Self.world()
    let script = """
      import gzip, json, os, resource, subprocess, sys
      with gzip.open('files/log.gz', 'wb', 1) as f:
        for n in range(1024): f.write(bytes(1 << 20))
        f.write(sys.argv[2].encode())
      out = subprocess.run([sys.argv[1], 'credential', 'locate', 'files', '--value-from', 'env:LEAKED', '--json'],
        capture_output=True, env=dict(os.environ, LEAKED=sys.argv[2]))
      peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
      print(json.dumps({'status': out.returncode, 'peak': peak, 'bytes': json.loads(out.stdout)['bytes']}))
      """
    let printed = try await Program.run(
      ["python3", "-c", script, try StaunchBinary.products + "/staunch", Self.value], in: directory.path,
      environment: binary.environment)
    let answer = try JSONValue(parsing: printed)
    #expect(answer["status"]?.integer == 10 && answer["bytes"]?.integer ?? 0 > 1 << 30)
    // KiB. Two windows, the forms of the value and the program itself.
    #expect(answer["peak"]?.integer ?? .max < 300 << 10, "\(printed)")
  }
}
