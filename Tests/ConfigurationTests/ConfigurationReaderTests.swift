import Capabilities
import StaunchConfiguration
import Foundation
import Incidents
import JSON
import Testing

@Suite struct ConfigurationReaderTests {
  private static let catalogue = AdapterCatalogue(
    credentials: [
      "postgres": [
        SettingDeclaration("host", required: true, "server"), SettingDeclaration("port", "port"),
        SettingDeclaration("admin_password", required: true, secret: true, "the runner's password"),
      ]
    ],
    stores: ["env-file": [SettingDeclaration("path", required: true, "file")]],
    consumers: ["command": [SettingDeclaration("restart", "argv")]],
    trackers: ["standard-webhooks": [SettingDeclaration("url", required: true, "where")]])

  private static let good = """
    staunch: 1
    stores:
      env: {kind: env-file, path: /srv/.env}
    consumers:
      app: {kind: command, restart: [systemctl, restart, app]}
    trackers:
      security: {kind: standard-webhooks, url: "https://t.example/h"}
    repositories:
      ml: {path: clones/ml, remote: origin}
    credentials:
      pg: {kind: postgres, host: db, port: 5433, admin_password: env:PG, store: env, key: DB_PASSWORD, consumers: [app]}
    routes:
      - when: {kind: [postgres_uri, generic_password], repository: ml}
        playbook: database-password
        credential: pg
        repositories: [ml]
        tracker: security
    policy:
      approvals: {minimum: 2, not_initiator: true}
    """

  private func read(_ source: String) throws -> Configuration {
    try ConfigurationReader.read(source, file: "staunch.yaml", directory: "/etc/x", catalogue: Self.catalogue)
  }

  private func problems(_ source: String) -> [String] {
    do {
      _ = try read(source)
      return []
    } catch let error as ConfigurationError {
      return error.problems.map(\.description)
    } catch {
      return ["\(error)"]
    }
  }

  @Test(arguments: [("ours", "/etc/x/ours"), ("/srv/providers", "/srv/providers")])
  func `the directory of provider files is known before anything else is read`(
    _ written: String, _ found: String
  ) throws {
    let source = Self.good + "\nproviders: \(written)\n"
    #expect(ConfigurationReader.providers(in: source, directory: "/etc/x") == found)
    #expect(try read(source).providers == found)
    #expect(ConfigurationReader.providers(in: "staunch: [", directory: "/etc/x") == nil)
    #expect(problems(Self.good + "\nproviders: [a]\n").count == 1)
  }

  @Test func `a complete file is read`() throws {
    let configuration = try read(Self.good)
    let credential = try #require(configuration.credentials["pg"])
    #expect(credential.target.kind == "postgres")
    #expect(credential.target.settings["port"] == 5433)
    #expect(credential.target.settings["store"] == nil)
    #expect(credential.store == "env")
    #expect(credential.key == "DB_PASSWORD")
    #expect(credential.consumers == ["app"])
    #expect(configuration.repositories["ml"]?.path == "/etc/x/clones/ml")
    #expect(configuration.routes.first?.kinds == ["postgres_uri", "generic_password"])
    #expect(configuration.routes.first?.autonomy == .plan)
    #expect(configuration.policy.minimumApprovals == 2)
  }

  @Test(arguments: [
    ("stafunch: 1", "staunch.yaml:1:1: unknown key \"stafunch\""),
    ("staunch: 2", "staunch.yaml:1:10: the file must say which version it is"),
    (
      "staunch: 1\nstores:\n  e: {kind: env-fil, path: /x}",
      "staunch.yaml:3:13: there is no kind \"env-fil\" here\n  fix: did you mean \"env-file\"?"
    ),
    (
      "staunch: 1\nstores:\n  e: {kind: env-file}", "staunch.yaml:3:6: \"e\" lacks the setting \"path\": file"
    ),
    (
      "staunch: 1\nstores:\n  e: {kind: env-file, path: /x, pth: /y}",
      "staunch.yaml:3:33: unknown key \"pth\"\n  fix: did you mean \"path\"?"
    ),
    (
      "staunch: 1\ncredentials:\n  p: {kind: postgres, host: h, admin_password: hunter2}",
      "staunch.yaml:3:48: \"admin_password\" is no reference that can be read; only references may stand in this file\n"
        + "  fix: put the value into the environment or a file of mode 0600 and write env:NAME or file:/path"
    ),
    (
      "staunch: 1\ncredentials:\n  p: {kind: postgres, host: h, admin_password: env:X, store: nowhere, key: K}",
      "staunch.yaml:3:62: there is no store \"nowhere\""
    ),
    (
      "staunch: 1\nroutes:\n  - {when: {kind: x}}",
      "staunch.yaml:3:5: the route names no playbook\n  fix: add: playbook: rotate-leaked-credential"
    ),
    (
      "staunch: 1\nroutes:\n  - {playbook: p, autonomy: plann}",
      "staunch.yaml:3:29: there is no autonomy \"plann\"\n  fix: did you mean \"plan\"?"
    ),
    (
      "staunch: 1\nstaunch: 1",
      "staunch.yaml:2:1: the key \"staunch\" stands twice in one mapping\n  fix: keep one of them"
    ),
    ("staunch: 1\ncredentials: [a]", "staunch.yaml:2:14: this must be a mapping, not a list"),
  ])
  func `a wrong file is refused at the exact place`(source: String, problem: String) {
    let found = problems(source)
    #expect(found.contains { $0.hasPrefix(problem) }, "\(found)")
  }

  @Test func `a plain secret in the file is never repeated in the message`() {
    let found = problems("staunch: 1\ncredentials:\n  p: {kind: postgres, host: h, admin_password: hunter2}")
    #expect(!found.joined().contains("hunter2"))
  }

  @Test func `every problem is reported, not only the first`() {
    #expect(problems("staunch: 1\nstores:\n  a: {kind: x}\n  b: {kind: y}").count == 2)
  }
}
