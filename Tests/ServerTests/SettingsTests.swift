import Foundation
import Inbox
import Logging
import Secrets
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(3))) struct SettingsTests {
  private func settings(_ members: String) throws -> ReceiverSettings {
    try ReceiverSettings(parsing: Array(#"{"schema":1\#(members.isEmpty ? "" : ","+members)}"#.utf8))
  }

  @Test func `the whole file is read`() throws {
    let settings = try settings(
      #"""
      "listen":"0.0.0.0:8443","tls":{"certificate":"/c.pem","key":"file:/k.pem","client_ca":"/ca.pem"},
      "proxies":["10.0.0.1"],"operators":[],"limits":{"rate":50,"idle_seconds":1.5},"console":{"people":"x"},
      "routes":[{"path":"/hooks/github","kind":"github","keys":["env:A","credential:b"]},
        {"path":"/sns","kind":"aws-sns","topics":["arn:x"]}]
      """#)
    #expect(settings.host == "0.0.0.0")
    #expect(settings.port == 8443)
    #expect(settings.tls?.key == .file("/k.pem"))
    #expect(settings.routes.map(\.kind) == [.github, .awsSNS])
    #expect(settings.routes[0].keys == [.environment("A"), .credential("b")])
    #expect(settings.limits.rate == 50)
    #expect(settings.limits.idleSeconds == 1.5)
    #expect(settings.operators.isEmpty)
  }

  @Test(arguments: [
    (#""routes":[{"path":"/a","kind":"github"}]"#, "routes[0]"),
    (#""routes":[{"path":"/a","kind":"github","keys":[]}]"#, "routes[0]"),
    (#""routes":[{"path":"/a","kind":"github","keys":["plain-text"]}]"#, "routes[0].keys"),
    (#""routes":[{"path":"/a","kind":"github","topics":["x"],"keys":["env:A"]}]"#, "routes[0].topics"),
    (#""routes":[{"path":"/a?k=v","kind":"github","keys":["env:A"]}]"#, "routes[0].path"),
    (#""routes":[{"path":"/a","kind":"nobody"}]"#, "routes[0].kind"),
    (
      #""routes":[{"path":"/a","kind":"github","keys":["env:A"]},{"path":"/a","kind":"slack","keys":["env:A"]}]"#,
      "routes[1].path"
    ), (#""listen":"0.0.0.0:80""#, "listen"), (#""listen":"nowhere""#, "listen"), (#""lisen":"x""#, "lisen"),
    (#""limits":{"rate":0}"#, "limits.rate"), (#""limits":{"rats":1}"#, "limits.rats"), (#""tls":{}"#, "tls"),
  ])
  func `what is wrong is named by its place`(members: String, place: String) {
    let error = #expect(throws: SettingsError.self) { try settings(members) }
    #expect(error?.place == place)
  }

  @Test(arguments: RouteKind.allCases.filter { !$0.required.isEmpty && $0 != .awsSNS })
  func `a route whose secret is missing or empty stops the start`(kind: RouteKind) throws {
    let directory = try TemporaryDirectory(inMemory: true)
    let inbox = try Inbox.open(path: directory.path("x"), sealingTo: InboxPrivateKey().publicKey)
    for secrets in [
      [:], ["key": Secret(""), "older": Secret(""), "signing": Secret(""), "basic": Secret("")],
    ] {
      let settings = ReceiverSettings(routes: [TestKeys.route(kind)])
      #expect(throws: SettingsError.self) {
        try Receiver(
          settings, secrets: SecretSources(inherited: secrets), inbox: inbox, log: Logger(label: "test"),
          now: { Date(timeIntervalSince1970: 0) })
      }
    }
  }

  @Test func `secrets come from the environment, a file, systemd and the parent`() throws {
    let directory = try TemporaryDirectory()
    try Data("from a file\n".utf8).write(to: URL(filePath: directory.path("secret")))
    let sources = try SecretSources(
      environment: ["A": "from the environment", "CREDENTIALS_DIRECTORY": directory.path, "EMPTY": ""],
      inheritedDocument: Array(#"{"x":"from the parent"}"#.utf8))
    func text(_ reference: String) throws -> String {
      try sources.secret(try #require(SecretReference(reference)), at: "here").exposeAsText()
    }
    #expect(try text("env:A") == "from the environment")
    #expect(try text("file:" + directory.path("secret")) == "from a file")
    #expect(try text("credential:secret") == "from a file")
    #expect(try text("inherited:x") == "from the parent")
    for missing in ["env:B", "env:EMPTY", "inherited:y", "credential:no"] {
      #expect(throws: SettingsError.self) { try text(missing) }
    }
    for none in ["A", "env:", "file:relative", "credential:../x", "vault:x"] {
      #expect(SecretReference(none) == nil)
    }
  }
}
