import Foundation
import Inbox
import TestSupport
import Testing

/// The built endpoint tries to open what is the worker's, as whoever took it over would.
@Suite struct ConfinementTests {
  /// A state directory with keys, a journal, and an exchange below it.
  private struct Site {
    let directory: TemporaryDirectory
    var state: String { directory.path("state") }
    var settings: String { state + "/exchange/receiver.json" }
    let outside: String

    init() throws {
      directory = try TemporaryDirectory()
      try FileManager.default.createDirectory(
        atPath: directory.path("state/exchange"), withIntermediateDirectories: true)
      for name in ["identity.key", "operator.key", "inbox.key", "people.trust.json", "journal.sqlite"] {
        try "secret".write(toFile: directory.path("state/\(name)"), atomically: false, encoding: .utf8)
      }
      outside = directory.path("home.txt")
      try "secret".write(toFile: outside, atomically: false, encoding: .utf8)
      try "{\"schema\":1,\"listen\":\"127.0.0.1:0\",\"routes\":[]}".write(
        toFile: settings, atomically: false, encoding: .utf8)
      try (InboxPrivateKey().publicKey.text + "\n").write(
        toFile: directory.path("state/exchange/inbox.pub"), atomically: false, encoding: .utf8)
    }

    var secrets: [String] {
      ["identity.key", "operator.key", "inbox.key", "people.trust.json", "journal.sqlite"].map {
        state + "/" + $0
      }
        + [outside]
    }

    /// Standard output, and standard error behind it.
    func receiver(_ arguments: [String]) async throws -> String {
      try await Program.run(
        [
          "sh", "-c", "\"$@\" 2>&1", "sh", try StaunchBinary.products + "/staunch-receiver", "--settings",
          settings,
        ] + arguments, in: "/")
    }
  }

  @Test func `behind its walls the endpoint opens no key, no trust and no journal, only its own files`()
    async throws
  {
    let site = try Site()
    let said = try await site.receiver(
      (site.secrets + [site.settings, "/proc/1/environ", "/etc/shadow"]).flatMap { ["--try", $0] })
    for path in site.secrets + ["/proc/1/environ", "/etc/shadow"] {
      #expect(said.contains("\(path): permission denied"), "\(said)")
    }
    #expect(said.contains("\(site.settings): opened"))
    #expect(said.contains("confined: Landlock"), "\(said)")
    #expect(said.contains("seccomp"))
    #expect(!said.contains("no seccomp"))
  }

  /// Only root can become somebody else; another user's tests are the one above.
  @Test(.enabled(if: geteuid() == 0, "not root: nobody else to become"))
  func `told a user, it becomes that user first`() async throws {
    let site = try Site()
    for path in [site.directory.path, site.state] { #expect(chmod(path, 0o711) == 0) }
    let exchange = site.state + "/exchange"
    #expect(chown(exchange, 65534, 65534) == 0)
    let said = try await site.receiver(
      ["--user", "65534:65534"] + (site.secrets + ["/proc/self/status"]).flatMap { ["--try", $0] })
    #expect(said.contains("confined: user 65534, Landlock"), "\(said)")
    for path in site.secrets { #expect(said.contains("\(path): permission denied")) }
  }

  @Test func `a link in its own directory leads it nowhere`() async throws {
    let site = try Site()
    let link = site.state + "/exchange/link"
    #expect(symlink(site.state + "/operator.key", link) == 0)
    #expect(try await site.receiver(["--try", link]).contains("\(link): permission denied"))
  }
}
