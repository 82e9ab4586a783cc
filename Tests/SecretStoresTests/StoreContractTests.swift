import Capabilities
import Foundation
import HTTP
import JSON
import LocalSystem
import RESTClient
import SecretStores
import Secrets
import TestSupport
import Testing

/// What every store promises, on real files and real servers.
@Suite struct StoreContractTests {
  private let directory: TemporaryDirectory
  /// A document of a vault that no other test has.
  private let document = "contract/" + UUID().uuidString.lowercased()

  private let cluster: KubernetesSimulation
  private let google: SecretManagerWorld
  private let azure: KeyVaultWorld
  private let doppler: DopplerSimulation
  private let dopplerServer: LoopbackServer
  private let named = NamedTextSimulation()
  private let namedServer: LoopbackServer

  init() throws {
    directory = try TemporaryDirectory()
    cluster = try KubernetesSimulation()
    google = try SecretManagerWorld()
    azure = try KeyVaultWorld()
    let doppler = DopplerSimulation()
    self.doppler = doppler
    dopplerServer = try LoopbackServer { doppler.answer($0) }
    let named = named
    namedServer = try LoopbackServer {
      $0.path.hasPrefix("/api/") ? named.infisical($0) : named.onePassword($0)
    }
  }

  /// What is never shown again has tests of its own.
  private static var kinds: [String] {
    SecretStoreRegistry.all.map { $0.kind }.filter { $0 != GitHubActionsSecret.kind }
  }

  private func store(_ kind: String) async throws -> any SecretStore {
    var secrets: [String: Secret] = [:]
    let settings: [String: JSONValue]
    switch kind {
    case EnvFileStore.kind: settings = ["path": .string(directory.path(".env"))]
    case DocumentFileStore.kind: settings = ["path": .string(directory.path("settings.json"))]
    case FileStore.kind: settings = ["directory": .string(directory.path), "known": ["KEY", "OTHER"]]
    case DopplerConfig.kind:
      secrets = ["env:TOKEN": Secret(DopplerSimulation.token)]
      settings = [
        "base_url": .string(dopplerServer.url), "token": "env:TOKEN", "project": "shop", "config": "prd",
      ]
    case InfisicalFolder.kind:
      secrets = ["env:TOKEN": Secret(NamedTextSimulation.token)]
      settings = [
        "base_url": .string(namedServer.url), "token": "env:TOKEN", "project": "p", "environment": "prod",
      ]
    case OnePasswordItem.kind:
      secrets = ["env:TOKEN": Secret(NamedTextSimulation.token)]
      settings = ["base_url": .string(namedServer.url), "token": "env:TOKEN", "vault": "v", "item": "i"]
    case SOPSFile.kind:
      let path = directory.path("settings.yaml")
      if !FileManager.default.fileExists(atPath: path) {
        _ = try await SOPSWorld(in: directory.path, "settings.yaml", "first: value\n")
      }
      settings = ["path": .string(path), "age_key_file": .string(directory.path("age-key.txt"))]
    case VaultKV.kind:
      let server = try OpenBaoServer.shared()
      secrets = ["env:TOKEN": server.root]
      settings = ["base_url": .string(server.url), "token": "env:TOKEN", "path": .string(document)]
    case KubernetesSecret.kind:
      secrets = ["env:TOKEN": cluster.admin]
      settings = [
        "server": .string(cluster.url), "token": "env:TOKEN", "namespace": "prod", "secret": "app",
      ]
    case AzureKeyVault.kind: return try azure.store(["known": ["KEY", "OTHER"]])
    case GCPSecretManager.kind: return try google.store(["known": ["KEY", "OTHER"]])
    case AWSParameterStore.kind:
      let server = try MiniStackServer.shared()
      secrets = ["env:ID": Secret(server.root.accessKeyID), "env:SECRET": server.root.secretAccessKey]
      settings = [
        "base_url": .string(server.url), "region": "us-east-1", "access_key_id": "env:ID",
        "secret_access_key": "env:SECRET", "path": .string("/" + document),
      ]
    case AWSSecretsManager.kind:
      let server = try MiniStackServer.shared()
      secrets = ["env:ID": Secret(server.root.accessKeyID), "env:SECRET": server.root.secretAccessKey]
      settings = [
        "base_url": .string(server.url), "region": "us-east-1", "access_key_id": "env:ID",
        "secret_access_key": "env:SECRET", "secret_id": .string(document),
      ]
    default:
      throw SupervisedServer.Failure(description: "no world for \(kind): add one to the contract suite")
    }
    return try SecretStoreRegistry.make(
      TargetConfiguration(name: "s", kind: kind, settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        processes: SubprocessRunner(environment: ProcessInfo.processInfo.environment, redact: { $0 }),
        files: LocalFileSystem(), secrets: secrets))
  }

  @Test(arguments: SecretStoreRegistry.all.map { $0.kind })
  func `docs PROVIDERS md says of a store what it can do`(kind: String) async throws {
    guard kind == GitHubActionsSecret.kind else { return try ProviderTable.check(await store(kind)) }
    try ProviderTable.check(
      SecretStoreRegistry.make(
        TargetConfiguration(
          name: "s", kind: kind, settings: ["token": "env:TOKEN", "repository": "acme/shop"],
          position: "staunch.yaml:1:1"), in: .forTests()))
  }

  @Test func `docs PROVIDERS md has every store, and no other`() throws {
    #expect(SecretStoreRegistry.all.filter { $0.kind.contains("_") }.map { $0.kind } == [])
    #expect(try ProviderTable.kinds(.stores) == Set(SecretStoreRegistry.all.map { $0.kind }))
  }

  @Test(arguments: kinds)
  func `what is put is read, under a version that is not the value`(kind: String) async throws {
    let store = try await store(kind)
    #expect(try await store.currentVersion("KEY") == nil)
    let version = try await store.put(
      "KEY", Secret("v$lue '1'"), replacing: [], sparing: [], marker: "staunch-run-1", under: .forTests())
    #expect(try await store.currentVersion("KEY") == version)
    #expect(try await store.read("KEY").exposeAsText() == "v$lue '1'")
    #expect(!version.contains("lue"))
    let second = try await store.put(
      "KEY", Secret("v2"), replacing: [], sparing: [], marker: "staunch-run-2", under: .forTests())
    #expect(second != version)
    #expect(try await store.read("KEY").exposeAsText() == "v2")
  }

  @Test(arguments: kinds)
  func `putting the same value under the same marker changes nothing`(kind: String) async throws {
    let store = try await store(kind)
    let first = try await store.put(
      "KEY", Secret("v"), replacing: [], sparing: [], marker: "m", under: .forTests())
    let before = try await snapshot(kind)
    let second = try await store.put(
      "KEY", Secret("v"), replacing: [], sparing: [], marker: "m", under: .forTests())
    #expect(first == second)
    #expect(try await snapshot(kind) == before)
  }

  /// Names, inodes and contents: a replaced file has another inode, a written document another version.
  private func snapshot(_ kind: String) async throws -> [String: String] {
    if kind == VaultKV.kind {
      return ["": try await OpenBaoServer.shared().call("GET", "secret/metadata/\(document)").canonicalText]
    }
    if kind == KubernetesSecret.kind {
      return ["": cluster.object("/api/v1/namespaces/prod/secrets/app")?.canonicalText ?? ""]
    }
    if kind == AzureKeyVault.kind { return ["": "\(azure.secrets)"] }
    if kind == GCPSecretManager.kind { return ["": "\(google.secrets)"] }
    if kind == AWSSecretsManager.kind {
      let told = try await MiniStackServer.shared().call(
        "secretsmanager", "secretsmanager.DescribeSecret", ["SecretId": .string(document)])
      return ["": told["VersionIdsToStages"]?.canonicalText ?? ""]
    }
    if kind == AWSParameterStore.kind {
      let told = try await MiniStackServer.shared().call(
        "ssm", "AmazonSSM.GetParametersByPath", ["Path": .string("/" + document)])
      return ["": told.canonicalText]
    }
    if kind == DopplerConfig.kind { return ["": "\(doppler.writes)"] }
    if [InfisicalFolder.kind, OnePasswordItem.kind].contains(kind) { return ["": "\(named.writes)"] }
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
      let attributes = try FileManager.default.attributesOfItem(atPath: directory.path(name))
      let text = try String(contentsOfFile: directory.path(name), encoding: .utf8)
      files[name] = "\(attributes[.systemFileNumber] ?? "") \(text)"
    }
    return files
  }

  @Test(arguments: kinds)
  func `a copy of a leaked value is found by its key`(kind: String) async throws {
    let store = try await store(kind)
    _ = try await store.put(
      "KEY", Secret("other"), replacing: [], sparing: [], marker: "m", under: .forTests())
    _ = try await store.put(
      "OTHER", Secret("postgres://app:leaked1@db/x"), replacing: [], sparing: [], marker: "m",
      under: .forTests())
    #expect(
      try await store.copies(of: [Secret("leaked1")], besides: "KEY") == [
        SecretCopy(key: "OTHER", canFollow: true)
      ])
    #expect(try await store.copies(of: [Secret("leaked1")], besides: "OTHER").isEmpty)
    #expect(try await store.copies(of: [Secret("nowhere")], besides: nil).isEmpty)
  }

  @Test(arguments: kinds)
  func `a connection string follows the new value, unless it is another credential's own`(kind: String)
    async throws
  {
    let store = try await store(kind)
    let uri = "postgres://app:le%2Faked1@db/x"
    _ = try await store.put("OTHER", Secret(uri), replacing: [], sparing: [], marker: "m", under: .forTests())
    _ = try await store.put(
      "KEY", Secret("n/w"), replacing: [Secret("le/aked1")], sparing: ["OTHER"], marker: "m2",
      under: .forTests())
    #expect(try await store.read("OTHER").exposeAsText() == uri)
    _ = try await store.put(
      "KEY", Secret("n/w"), replacing: [Secret("le/aked1")], sparing: [], marker: "m2", under: .forTests())
    #expect(try await store.read("OTHER").exposeAsText() == "postgres://app:n%2Fw@db/x")
    #expect(try await store.read("KEY").exposeAsText() == "n/w")
    // Former versions of Parameter Store cannot be taken out: they are named for a person.
    let left = try await store.copies(of: [Secret("le/aked1")], besides: nil)
    #expect(left.filter { $0.kind == .value }.isEmpty)
    #expect(left.isEmpty || kind == AWSParameterStore.kind)
  }

  @Test(arguments: kinds, ["", "../x", "A/B", ".hidden", "A B/"])
  func `a key that is no name is refused`(kind: String, key: String) async throws {
    // `.dockerconfigjson` is a Secret's key.
    if kind == KubernetesSecret.kind, key == ".hidden" { return }
    let error = await #expect(throws: CapabilityError.self) {
      try await store(kind).put(key, Secret("v"), replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .configuration)
  }

  @Test func `an .env file keeps its mode, comments and other variables`() async throws {
    let path = directory.path(".env")
    try "# training\nOTHER=1\nKEY=old # mine\n".write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    let store = try await store(EnvFileStore.kind)
    #expect(try await store.currentVersion("KEY") == "unmanaged")
    _ = try await store.put("KEY", Secret("new"), replacing: [], sparing: [], marker: "m", under: .forTests())
    #expect(
      try String(contentsOfFile: path, encoding: .utf8)
        == "# training\nOTHER=1\n# rotated by m\nKEY=new # mine\n")
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test func `a comment that holds the old value loses it`() async throws {
    let path = directory.path(".env")
    let old = "leaked-value-0123456"
    try "# old: \(old)\nKEY=\(old) # was \(old)\n#KEY=\(old)\n# see the wiki\n"
      .write(toFile: path, atomically: false, encoding: .utf8)
    let store = try await store(EnvFileStore.kind)
    #expect(
      try await store.copies(of: [Secret(old)], besides: "KEY") == [
        SecretCopy(key: "the comments", canFollow: true, kind: .remark)
      ])
    _ = try await store.put(
      "KEY", Secret("new-value"), replacing: [Secret(old)], sparing: [], marker: "m", under: .forTests())
    #expect(
      try String(contentsOfFile: path, encoding: .utf8)
        == "# old: REMOVED\n# rotated by m\nKEY=new-value # was REMOVED\n#KEY=REMOVED\n# see the wiki\n")
    #expect(try await store.copies(of: [Secret(old)], besides: nil).isEmpty)
  }

  @Test func `a comment that nobody can clean safely is named, before and after`() async throws {
    let path = directory.path(".env")
    let old = "-----BEGIN-----\nleaked+/=\n-----END-----"
    let inComment = old.split(separator: "\n").map { "# \($0)" }.joined(separator: "\n")
    try "\(inComment)\nKEY=\"\(old)\"\n".write(toFile: path, atomically: false, encoding: .utf8)
    let store = try await store(EnvFileStore.kind)
    let named = [SecretCopy(key: "the comments", canFollow: false, kind: .remark)]
    #expect(try await store.copies(of: [Secret(old)], besides: "KEY") == named)
    _ = try await store.put(
      "KEY", Secret("a\nb"), replacing: [Secret(old)], sparing: [], marker: "m", under: .forTests())
    #expect(
      try String(contentsOfFile: path, encoding: .utf8) == "\(inComment)\n# rotated by m\nKEY=\"a\nb\"\n")
    #expect(try await store.copies(of: [Secret(old)], besides: nil) == named)
  }

  @Test func `a file that somebody put beside the key's own is named, and left as it is`() async throws {
    let store = try await store(FileStore.kind)
    try "leaked-value-0123456\n".write(toFile: directory.path("KEY"), atomically: false, encoding: .utf8)
    try "leaked-value-0123456\n".write(toFile: directory.path("KEY.old"), atomically: false, encoding: .utf8)
    let named = [SecretCopy(key: "KEY.old", canFollow: false)]
    #expect(try await store.copies(of: [Secret("leaked-value-0123456")], besides: "KEY") == named)
    _ = try await store.put(
      "KEY", Secret("new"), replacing: [Secret("leaked-value-0123456")], sparing: [], marker: "m",
      under: .forTests())
    // The newline at its end is what its reader knows.
    #expect(try String(contentsOfFile: directory.path("KEY"), encoding: .utf8) == "new\n")
    #expect(try await store.copies(of: [Secret("leaked-value-0123456")], besides: nil) == named)
  }

  @Test func `variables that hold the secret among other text are written along`() async throws {
    let path = directory.path(".env")
    try "KEY=old\nURL=postgres://app:old@db/app\n".write(toFile: path, atomically: false, encoding: .utf8)
    let store = try EnvFileStore(
      TargetConfiguration(
        name: "s", kind: "env-file",
        settings: [
          "path": .string(path), "templates": ["KEY": ["URL": "postgres://app:{secret}@db/app"]],
        ], position: "staunch.yaml:1:1"), in: .forTests(files: LocalFileSystem()))
    _ = try await store.put("KEY", Secret("new"), replacing: [], sparing: [], marker: "m", under: .forTests())
    #expect(try await store.read("URL").exposeAsText() == "postgres://app:new@db/app")
    #expect(try await store.copies(of: [Secret("old")], besides: nil).isEmpty)
  }

  @Test(arguments: kinds)
  func `several entries change in one step, or nothing does`(kind: String) async throws {
    let store = try await store(kind)
    let entries = [
      StoreEntry("KEY", Secret("id-2"), replacing: []),
      StoreEntry("OTHER", Secret("secret-2"), replacing: []),
    ]
    guard store.takesSeveralEntries else {
      let error = await #expect(throws: CapabilityError.self) {
        try await store.put(entries, sparing: [], marker: "m", under: .forTests())
      }
      #expect(error?.class == .unsupported)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
      return
    }
    _ = try await store.put(entries, sparing: [], marker: "m", under: .forTests())
    #expect(try await store.read("KEY").exposeAsText() == "id-2")
    #expect(try await store.read("OTHER").exposeAsText() == "secret-2")
    // One part that cannot be held keeps the other from being written.
    let error = await #expect(throws: CapabilityError.self) {
      try await store.put(
        [StoreEntry("KEY", Secret("id-3"), replacing: []), StoreEntry("OTHER", Secret(""), replacing: [])],
        sparing: [], marker: "m3", under: .forTests())
    }
    #expect(error?.class == .invalid)
    #expect(try await store.read("KEY").exposeAsText() == "id-2")
  }

  @Test func `a value that no .env file can hold is refused before anything is written`() async throws {
    let store = try await store(EnvFileStore.kind)
    for value in [[], [0x61, 0]] as [[UInt8]] {
      let error = await #expect(throws: CapabilityError.self) {
        try await store.put(
          "KEY", Secret(SecretBytes(copying: value)), replacing: [], sparing: [], marker: "m",
          under: .forTests())
      }
      #expect(error?.class == .invalid)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }
}
