import Capabilities
import Foundation
import Incidents
import JSON
import LocalSystem
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import CredentialProviders

/// Against a real sshd whose accounts belong to whoever holds the leaked key.
@Suite(.enabled(if: SecureShellHost.isPossible, "\(SecureShellHost.notice)")) struct SSHKeyTests {
  private let host: SecureShellHost
  init() throws { host = try SecureShellHost.shared() }

  static func provider(
    _ host: SecureShellHost, _ accounts: [SecureShellHost.Account], _ more: [String: JSONValue] = [:],
    processes: any ProcessRunner = SubprocessRunner(
      environment: ProcessInfo.processInfo.environment, redact: { $0 }),
    admin: Secret? = nil
  ) throws -> SSHKey {
    var settings: [String: JSONValue] = [
      "hosts": .array(accounts.map { .string("\($0.name)@127.0.0.1:\(host.port)") }),
      // The host's second name for root: a login of its own.
      "admin_user": "rotator", "admin_key": "env:ADMIN", "known_hosts": .string(host.knownHosts),
      "sshd_config": .string(host.configuration), "log": .string(host.log),
    ]
    settings.merge(more) { _, new in new }
    return try SSHKey(
      TargetConfiguration(
        name: "deploy", kind: SSHKey.kind, settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(processes: RootShell(processes), secrets: ["env:ADMIN": admin ?? host.adminKey]))
  }

  private func fingerprint(_ account: SecureShellHost.Account) throws -> String {
    try #require(SSHPublicKey(line: account.publicLine)).fingerprint
  }

  private func rotate(_ provider: SSHKey, _ leaked: Secret) async throws -> IssuedCredential {
    try await provider.issue(
      IssueOrder(marker: "staunch-run-1", generated: try provider.generate(), replacing: Leak(leaked)),
      under: .forTests())
  }

  @Test
  func `the whole rotation: both live at every account, then the old one at none, and its sessions end`()
    async throws
  {
    let one = try await host.makeAccount(options: "no-port-forwarding,command=\"echo \\\"a b\\\"\"")
    let two = try await host.makeAccount(sharing: one)
    let stranger = try await host.makeAccount()
    let others = "# a remark\n\nrestrict \(stranger.publicLine)\n"
    try two.write(others + two.publicLine + "\n")
    let provider = try Self.provider(host, [one, two])
    let identity = CredentialRef(try fingerprint(one))
    let subject = try await provider.identify(Leak(one.key))
    #expect(subject.identity == identity && subject.refs.count == 2)
    #expect(try await provider.subject(of: Leak(handle: identity.rawValue)) == subject)
    let login = try host.open(two, "trap '' HUP TERM; cat; exec sleep 600")
    defer { login.close() }
    let bystander = try host.open(stranger, "cat")
    defer { bystander.close() }

    let issued = try await rotate(provider, one.key)
    for value in [one.key, issued.secret] {
      #expect(try await provider.verify(value, ref: nil).state == .alive)
    }
    let results = await provider.disable(
      subject, leak: Leak(one.key), replacedBy: issued.ref, under: try .forTests())
    #expect(results.allSatisfy { $0.problem == nil }, "\(results)")
    let probe = try await provider.knowing { [issued.secret] }.verify(one.key, of: subject)
    #expect(probe.state == .dead && probe.isReplaced, "\(probe)")
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    // Options stay, and so does every byte of the other lines.
    let new = try #require(SSHPrivateKey.publicHalf(ofOpenSSH: issued.secret)).line
    #expect(try one.text() == "no-port-forwarding,command=\"echo \\\"a b\\\"\" \(new) staunch-run-1\n")
    #expect(try two.text() == others + "\(new) staunch-run-1\n")

    // The trap: who is in stays in.
    #expect(try await provider.endSessions(identity, before: .distantPast, under: .forTests()).found == 0)
    let count = try await provider.endSessions(identity, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    #expect(try await provider.endSessions(identity, before: Date(), under: .forTests()).found == 0)
    let theirs = try Self.provider(host, [stranger])
    let places = try await theirs.inspect(CredentialRef(try fingerprint(stranger))).facts["places"]
    #expect(places?.object?.values.first?["sessions"] == 1)
  }

  @Test func `stopped first, its successor gets the options that it had`() async throws {
    let account = try await host.makeAccount(options: "restrict,pty")
    let provider = try Self.provider(host, [account])
    let subject = try await provider.identify(Leak(account.key))
    for _ in 0..<2 {
      try await provider.disable(subject.refs[0], leaked: account.key, replacedBy: nil, under: .forTests())
    }
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
    #expect(try await provider.identify(Leak(account.key)) == subject)
    let issued = try await rotate(provider, account.key)
    #expect(try account.text().hasPrefix("restrict,pty ssh-ed25519 "))
    #expect(try account.text().split(separator: "\n").count == 1)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
  }

  @Test func `a key that its holder lists again is refused all the same, where RevokedKeys is configured`()
    async throws
  {
    let account = try await host.makeAccount()
    let provider = try Self.provider(host, [account])
    let subject = try await provider.identify(Leak(account.key))
    try await provider.disable(subject.refs[0], leaked: account.key, replacedBy: nil, under: .forTests())
    try account.write(account.publicLine + "\n")
    let probe = try await provider.verify(account.key, ref: nil)
    #expect(probe.state == .dead && probe.code.contains("RevokedKeys"), "\(probe)")
  }

  @Test func `a file that cannot be read keeps nobody from RevokedKeys, and the key is dead by that`()
    async throws
  {
    let account = try await host.makeAccount()
    let provider = try Self.provider(host, [account])
    let subject = try await provider.identify(Leak(account.key))
    try FileManager.default.removeItem(atPath: account.authorizedKeys)
    try await Program.run(["mkfifo", "-m", "666", account.authorizedKeys], in: "/")
    try await provider.disable(subject.refs[0], leaked: account.key, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
    let error = await #expect(throws: CapabilityError.self) { try await provider.existing() }
    #expect(error?.class == .unsafe)
  }

  @Test func `the same RSA key in another spelling is found and taken out`() async throws {
    let account = try await host.makeAccount(type: "rsa")
    let key = try #require(SSHPublicKey(line: account.publicLine))
    var reader = SSHWire(key.blob[...])
    let parts = [reader.text(), reader.text(), reader.text()].compactMap { $0.map(Array.init) }
    let spelled =
      parts[0] == Array("ssh-rsa".utf8)
      ? SSHWire.text(parts[0]) + SSHWire.text([0, 0] + parts[1]) + SSHWire.text(parts[2]) : []
    let line = "ssh-rsa \(Data(spelled).base64EncodedString())"
    #expect(line != key.line && AuthorizedKeys(Array(line.utf8)).lists(key.fingerprint))
    try account.write("ssh-ed25519 nonsense\n\(line)\n")
    let provider = try Self.provider(host, [account])
    // sshd takes it: the leaked key opens the account through it.
    #expect(try await provider.verify(account.key, ref: nil).state == .alive)
    let subject = try await provider.identify(Leak(account.key))
    try await provider.disable(subject.refs[0], leaked: account.key, replacedBy: nil, under: .forTests())
    #expect(try !account.text().contains(line))
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
  }

  /// Its holder lists it for an address of theirs, in a spelling that only sshd reads: refused from here, and not dead.
  @Test(arguments: SSHSpelling.all)
  func `a line in any spelling that sshd takes is seen, also where it is refused from here`(
    _ spelling: SSHSpelling
  ) async throws {
    let account = try await host.makeAccount(type: spelling.type)
    let line = try #require(spelling.line(account.publicLine))
    let provider = try Self.provider(host, [account], ["sshd_config": .string(host.plainConfiguration)])
    try account.write(line + "\n")
    #expect(try await provider.verify(account.key, ref: nil).state == .alive)
    try account.write("from=\"192.0.2.1\" \(line)\n")
    let probe = try await provider.verify(account.key, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("still lists it"), "\(probe)")
    let subject = try await provider.identify(Leak(account.key))
    try await provider.disable(subject.refs[0], leaked: account.key, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
  }

  @Test func `what its holder has prepared for a login does not run`() async throws {
    let account = try await host.makeAccount()
    let mark = host.directory.path("ran-\(account.name)")
    for name in ["rc", "../.profile", "../.bashrc", "environment"] {
      try account.write("echo \(name) >>\(mark)\n", name)
    }
    try account.write("command=\"echo command >>\(mark)\" \(account.publicLine)\n")
    try await Program.run(["chmod", "777", host.directory.path], in: "/")
    let provider = try Self.provider(host, [account])
    #expect(try await provider.verify(account.key, ref: nil).state == .alive)
    let subject = try await provider.identify(Leak(account.key))
    let issued = try await rotate(provider, account.key)
    try await provider.disable(
      subject.refs[0], leaked: account.key, replacedBy: issued.ref, under: .forTests())
    _ = try await provider.endSessions(subject.identity, before: Date(), under: .forTests())
    _ = try await provider.inspect(subject.identity)
    #expect(!FileManager.default.fileExists(atPath: mark))
    let found = try await provider.successors(subject.identity, since: nil).found.map(\.ref.rawValue)
    #expect(found.contains { $0.hasPrefix(account.home + "/.ssh/rc of") })
    #expect(found.contains { $0.hasPrefix(account.home + "/.bashrc of") })
  }

  /// A link is followed with the account's rights alone, and replaced, not written through.
  @Test func `a linked file is replaced, and what it leads to is left as it was`() async throws {
    let account = try await host.makeAccount()
    let elsewhere = account.home + "/elsewhere"
    try await Program.run(["mv", account.authorizedKeys, elsewhere], in: "/")
    try await Program.run(["ln", "-s", elsewhere, account.authorizedKeys], in: "/")
    let provider = try Self.provider(host, [account])
    let subject = try await provider.identify(Leak(account.key))
    let issued = try await rotate(provider, account.key)
    try await provider.disable(
      subject.refs[0], leaked: account.key, replacedBy: issued.ref, under: .forTests())
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
    #expect(try String(contentsOfFile: elsewhere, encoding: .utf8) == account.publicLine + "\n")
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
  }

  @Test func `a file in a directory of root's is changed by root, and stays readable for sshd`() async throws
  {
    let account = try await host.makeAccount()
    try account.write("# nothing here\n")
    let file = host.ownDirectory + "/keys_" + account.name
    try "restrict \(account.publicLine)\n".write(toFile: file, atomically: false, encoding: .utf8)
    let provider = try Self.provider(host, [account], ["sshd_config": .string(host.plainConfiguration)])
    let subject = try await provider.identify(Leak(account.key))
    let issued = try await rotate(provider, account.key)
    try await provider.disable(
      subject.refs[0], leaked: account.key, replacedBy: issued.ref, under: .forTests())
    let new = try #require(SSHPrivateKey.publicHalf(ofOpenSSH: issued.secret)).line
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "restrict \(new) staunch-run-1\n")
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    #expect(attributes[.posixPermissions] as? Int == 0o644 && attributes[.ownerAccountID] as? Int == 0)
    #expect(try account.text() == "# nothing here\n")
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
  }

  enum Trap: String, CaseIterable { case pipe, directory, huge, secretOfRoot }

  @Test(arguments: Trap.allCases)
  func `what is no plain file of its own is named as not done, nobody waits, nothing is disclosed`(
    _ trap: Trap
  )
    async throws
  {
    let good = try await host.makeAccount()
    let bad = try await host.makeAccount(sharing: good)
    let path = bad.authorizedKeys
    try FileManager.default.removeItem(atPath: path)
    let root = host.directory.path("of-root-\(bad.name)")
    try "root's own words\n".write(toFile: root, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: root)
    switch trap {
    case .pipe: try await Program.run(["mkfifo", "-m", "666", path], in: "/")
    case .directory: try await Program.run(["mkdir", path], in: "/")
    case .huge: try await Program.run(["truncate", "-s", "1G", path], in: "/")
    case .secretOfRoot: try await Program.run(["ln", "-s", root, path], in: "/")
    }
    // RevokedKeys would settle it.
    let provider = try Self.provider(host, [good, bad], ["sshd_config": .string(host.plainConfiguration)])
    let subject = try await provider.identify(Leak(good.key))
    let results = await provider.disable(
      subject, leak: Leak(good.key), replacedBy: nil, under: try .forTests())
    #expect(results.map { $0.problem == nil } == [true, false])
    #expect(results[1].problem?.class == .unsafe)
    #expect(results[1].problem?.because.contains(path) == true)
    let told = "\(results) \(try await provider.inspect(subject.identity))"
    #expect(!told.contains("own words"))
    #expect(try String(contentsOfFile: root, encoding: .utf8) == "root's own words\n")
    #expect(try await provider.verify(good.key, ref: nil).state == .unknown)
  }

  /// `ssh` skips a key whose passphrase it does not have, and ends with the same words as after a refusal.
  @Test func `a key with a passphrase is judged by its public half, one whose half is hidden too is unknown`()
    async throws
  {
    let account = try await host.makeAccount()
    let provider = try Self.provider(host, [account])
    for format in ["RFC4716", "PEM"] {
      let file = host.directory.path("locked-\(format)-\(account.name)")
      try await Program.run(
        ["ssh-keygen", "-q", "-t", "rsa", "-m", format, "-N", "a passphrase", "-f", file], in: "/")
      let locked = Secret(try String(contentsOfFile: file, encoding: .utf8))
      try account.write("# none\n")
      let isSeen = format == "RFC4716"
      #expect(try await provider.verify(locked, ref: nil).state == (isSeen ? .dead : .unknown))
      try account.write(String(contentsOfFile: file + ".pub", encoding: .utf8))
      #expect(try await provider.verify(locked, ref: nil).state == (isSeen ? .alive : .unknown))
    }
  }

  @Test func `a refusal that has another reason is unknown`() async throws {
    let account = try await host.makeAccount(options: "from=\"192.0.2.1\"")
    let provider = try Self.provider(host, [account])
    let probe = try await provider.verify(account.key, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("still lists it"), "\(probe)")
    // Neither does a runner that is not let in itself, a host key that is another, or a port where nobody is.
    let other = try await host.makeAccount()
    try account.write("# none\n")
    let blind = try Self.provider(host, [account], admin: other.key)
    #expect(try await blind.verify(account.key, ref: nil).state == .unknown)
    let known = host.directory.path("known-\(account.name)")
    try "[127.0.0.1]:\(host.port) \(account.publicLine)\n".write(
      toFile: known, atomically: false, encoding: .utf8)
    let fooled = try Self.provider(host, [account], ["known_hosts": .string(known)])
    #expect(try await fooled.verify(account.key, ref: nil).state == .unknown)
    let error = await #expect(throws: CapabilityError.self) { try await fooled.existing() }
    #expect(error?.class == .unsafe)
    let away = try Self.provider(
      host, [], ["hosts": [.string("\(account.name)@127.0.0.1:\(try SupervisedServer.freePort())")]])
    #expect(try await away.verify(account.key, ref: nil).state == .unknown)
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
  }

  /// `ssh-keygen -Q` ends with the same status for a key that is revoked and for a list that it cannot read.
  @Test func `a list of revoked keys that cannot be read does not make a key revoked`() async throws {
    let account = try await host.makeAccount(options: "from=\"192.0.2.1\"")
    let list = "broken-\(account.name)"
    try "SSHKRL, damaged".write(toFile: host.ownDirectory + "/" + list, atomically: false, encoding: .utf8)
    // Only what is asked about goes by it, sshd does not.
    let configuration = host.directory.path(list)
    try String(contentsOfFile: host.configuration, encoding: .utf8)
      .replacing("/srv/revoked", with: "/srv/\(list)")
      .write(toFile: configuration, atomically: false, encoding: .utf8)
    let provider = try Self.provider(host, [account], ["sshd_config": .string(configuration)])
    let probe = try await provider.verify(account.key, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("still lists it"), "\(probe)")
  }

  @Test func `a key is not dead where an authority in its files may sign a certificate of it`() async throws {
    let account = try await host.makeAccount()
    let authority = try await host.makeAccount()
    try account.write("# none\n")
    let provider = try Self.provider(host, [account], ["sshd_config": .string(host.plainConfiguration)])
    #expect(try await provider.verify(account.key, ref: nil).state == .dead)
    try account.write("cert-authority \(authority.publicLine)\n", "authorized_keys2")
    let probe = try await provider.verify(account.key, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("authorized_keys2"), "\(probe)")
  }

  @Test func `two that write RevokedKeys at once lose nothing of each other's`() async throws {
    var subjects: [(provider: SSHKey, key: Secret, ref: CredentialRef)] = []
    for _ in 0..<4 {
      let account = try await host.makeAccount()
      let provider = try Self.provider(host, [account])
      subjects.append((provider, account.key, try await provider.identify(Leak(account.key)).refs[0]))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for subject in subjects {
        group.addTask {
          try await subject.provider.disable(
            subject.ref, leaked: subject.key, replacedBy: nil, under: .forTests())
        }
      }
      try await group.waitForAll()
    }
    for subject in subjects {
      let probe = try await subject.provider.verify(subject.key, ref: nil)
      #expect(probe.state == .dead && probe.code.contains("RevokedKeys"), "\(probe)")
    }
  }

  /// A process of the account's takes the pipe through which its files are read, and keeps it (pidfd_open(2), pidfd_getfd(2)).
  /// It costs the twenty seconds that root waits, and nothing else.
  @Test func `who keeps the reader's pipe open does not keep the runner waiting`() async throws {
    let account = try await host.makeAccount()
    let login = try host.open(
      account,
      """
      exec perl -e 'while (getppid() != 1) { for my $p (glob("/proc/[0-9]*")) { open(my $c, "<", "$p/cmdline") or next; local $/;
        my $t = <$c>; next unless defined $t && index($t, "for f " . "do") >= 0; my $d = syscall(434, substr($p, 6) + 0, 0);
        next if $d < 0; next if syscall(438, $d, 1, 0) < 0; sleep 1 while getppid() != 1 } }'
      """)
    defer { login.close() }
    let provider = try Self.provider(host, [account])
    let identity = CredentialRef(try fingerprint(account))
    let place = try await provider.inspect(identity).facts["places"]?.object?.values.first
    #expect(place?["listed"] == true, "\(place ?? .null)")
  }

  @Test func `sshd's log tells who came, and a line that only quotes one is none`() async throws {
    let account = try await host.makeAccount()
    let login = try host.open(account, "cat")
    defer { login.close() }
    let print = try fingerprint(account)
    let line =
      "Invalid user Accepted publickey for \(account.name) from 203.0.113.9 port 1 ssh2: ED25519 \(print)\n"
    let log = try #require(FileHandle(forWritingAtPath: host.log))
    log.seekToEndOfFile()
    log.write(Data(line.utf8))
    let provider = try Self.provider(host, [account], ["expected_clients": ["10.0.0.0/8"]])
    let report = try await provider.searchAbuse(CredentialRef(print), since: nil)
    #expect(report.seen == true)
    #expect(
      report.findings.contains { $0.contains("from 127.0.0.1, which is not expected") }, "\(report.findings)")
    #expect(!report.findings.contains { $0.contains("203.0.113.9") })
    let calm = try Self.provider(host, [account], ["expected_clients": ["127.0.0.1"]])
    #expect(try await calm.searchAbuse(CredentialRef(print), since: nil).seen == false)
    let blind = try Self.provider(
      host, [account], ["log": "/no/such/log", "expected_clients": ["127.0.0.1"]])
    #expect(try await blind.searchAbuse(CredentialRef(print), since: nil).seen == nil)
  }

  @Test func `other keys and authorities in its files are told, those that belong there are not`()
    async throws
  {
    let account = try await host.makeAccount()
    let (own, added, authority) = (
      try await host.makeAccount(), try await host.makeAccount(), try await host.makeAccount()
    )
    try account.write("\(account.publicLine)\n\(own.publicLine)\n")
    try account.write("\(added.publicLine)\ncert-authority \(authority.publicLine)\n", "authorized_keys2")
    let provider = try Self.provider(host, [account], ["known_keys": [.string(try fingerprint(own))]])
    let identity = CredentialRef(try fingerprint(account))
    let found = try await provider.successors(identity, since: nil).found
    #expect(
      Set(found.map(\.ref.rawValue)).isSuperset(of: [try fingerprint(added), try fingerprint(authority)]))
    #expect(found.contains { $0.what.hasPrefix("authority for certificates") })
    #expect(!found.contains { $0.ref.rawValue == identity.rawValue || $0.what.contains("its-comment") })
    #expect(try !found.map(\.ref.rawValue).contains(fingerprint(own)))
    let future = Date(timeIntervalSinceNow: 3600)
    #expect(try await provider.successors(identity, since: future).found.isEmpty)
    // A link may be new where what it leads to is old.
    try await Program.run(
      ["mv", account.home + "/.ssh/authorized_keys2", account.home + "/old"], in: "/")
    try await Program.run(
      ["ln", "-s", account.home + "/old", account.home + "/.ssh/authorized_keys2"], in: "/")
    #expect(
      try await provider.successors(identity, since: future).found.map(\.ref.rawValue)
        .contains(fingerprint(added)))
  }

  @Test func `what was written meanwhile is not overwritten`() async throws {
    let account = try await host.makeAccount()
    let other = try await host.makeAccount()
    let shell = Interloper { try account.write(account.publicLine + "\n" + other.publicLine + "\n") }
    let provider = try Self.provider(host, [account], processes: shell)
    let error = await #expect(throws: CapabilityError.self) { try await rotate(provider, account.key) }
    #expect(error?.class == .conflict)
    #expect(try account.text().contains(other.publicLine))
    #expect(try await rotate(provider, account.key).ref.rawValue.hasPrefix("SHA256:"))
  }

  @Test func `no key stands in an argument or an environment`() async throws {
    let account = try await host.makeAccount()
    let recorder = Recorder()
    let provider = try Self.provider(host, [account], processes: recorder)
    let subject = try await provider.identify(Leak(account.key))
    let issued = try await rotate(provider, account.key)
    try await provider.disable(
      subject.refs[0], leaked: account.key, replacedBy: issued.ref, under: .forTests())
    _ = try await provider.verify(account.key, ref: nil)
    let redactor = Redactor()
    for key in [account.key, issued.secret, host.adminKey] {
      // Every line of it by itself: a part would do.
      for line in key.exposeAsText().split(separator: "\n") where !line.hasPrefix("-") && line.count == 70 {
        redactor.register(Secret(line))
      }
    }
    let seen = recorder.seen.withLock { $0 }
    #expect(seen.contains("StrictHostKeyChecking=yes"))
    #expect(!redactor.finds(in: Array(seen.utf8)))
  }

  @Test func `doctor asks for root, the log and RevokedKeys`() async throws {
    let account = try await host.makeAccount()
    let ready = try await Self.provider(host, [account]).readiness()
    #expect(ready.allSatisfy { if case .ready = $0.verdict { true } else { false } }, "\(ready)")
    let poor = try await Self.provider(host, [account], admin: account.key).readiness()
    guard case .missing(_, let fix)? = poor.first?.verdict else {
      Issue.record("\(poor)")
      return
    }
    #expect(fix.contains("authorized_keys"))
  }
}

/// A spelling of a line that OpenSSH takes for the same key (seen with `ssh-keygen -lf` of 9.2).
struct SSHSpelling: CustomTestStringConvertible {
  let testDescription: String
  var type = "ed25519"
  private let spell: @Sendable (_ type: String, _ base64: String) -> String

  /// - Parameter plain: `TYPE BASE64 …`. - Returns: nil: it is none.
  func line(_ plain: String) -> String? {
    let words = plain.split(separator: " ").map(String.init)
    return words.count < 2 ? nil : spell(words[0], words[1])
  }

  private static func split(_ base64: String, by mark: String) -> String {
    base64.prefix(10) + mark + base64.dropFirst(10)
  }

  /// The key with another name of its type inside.
  private static func named(_ name: String, _ base64: String) -> String {
    let blob = Array(Data(base64Encoded: base64) ?? Data())
    var reader = SSHWire(blob[...])
    let length = reader.text().map { $0.count + 4 } ?? 0
    return Data(SSHWire.text(Array(name.utf8)) + blob[length...]).base64EncodedString()
  }

  static let all: [SSHSpelling] = [
    .init(testDescription: "vertical tab") { "\($0) \(split($1, by: "\u{B}"))" },
    .init(testDescription: "form feed") { "\($0) \(split($1, by: "\u{C}"))" },
    .init(testDescription: "carriage return") { "\($0) \(split($1, by: "\r"))" },
    .init(testDescription: "a zero byte behind it") { "\($0) \($1)\0x" },
    .init(testDescription: "a short name inside") { "\($0) \(named("eD25519", $1))" },
    .init(testDescription: "the name of a signature", type: "rsa") { "rsa-sha2-512 \($1)" },
    .init(testDescription: "that name inside", type: "rsa") { "\($0) \(named("rsa-sha2-256", $1))" },
  ]
}

/// What needs no host.
@Suite struct SSHKeySettingsTests {
  @Test(arguments: SSHSpelling.all) func `a line in another spelling is the same key`(_ spelling: SSHSpelling)
    async throws
  {
    let directory = try TemporaryDirectory()
    try await Program.run(
      ["ssh-keygen", "-q", "-t", spelling.type, "-N", "", "-f", "key"], in: directory.path)
    let plain = try String(contentsOfFile: directory.path("key.pub"), encoding: .utf8)
      .trimmingCharacters(in: .newlines)
    let key = try #require(SSHPublicKey(line: plain))
    let line = try #require(spelling.line(plain))
    try (line + "\n").write(toFile: directory.path("line"), atomically: false, encoding: .utf8)
    // OpenSSH agrees.
    let print = try await Program.run(["ssh-keygen", "-l", "-f", "line"], in: directory.path)
    #expect(print.contains(key.fingerprint + " "))
    var keys = AuthorizedKeys(Array("restrict \(line)\n# a remark\n".utf8))
    #expect(keys.line(of: key.fingerprint)?.options == "restrict")
    keys.remove(key.fingerprint, isReplaced: true)
    #expect(keys.bytes == Array("# a remark\n".utf8))
  }

  private func make(_ settings: [String: JSONValue]) throws -> SSHKey {
    let all: [String: JSONValue] = [
      "hosts": ["app@db1.example"], "admin_key": "env:ADMIN", "known_hosts": "/etc/staunch/known_hosts",
    ]
    return try SSHKey(
      TargetConfiguration(
        name: "deploy", kind: SSHKey.kind, settings: all.merging(settings) { _, new in new },
        position: "staunch.yaml:1:1"), in: .forTests())
  }

  @Test(
    arguments: [
      ["hosts": []], ["hosts": ["db1.example"]], ["hosts": ["app@-oProxyCommand=x"]],
      ["hosts": ["app@db1:0"]],
      ["hosts": ["-l@db1"]], ["hosts": ["a b@db1"]], ["hosts": ["app@db1", "app@db1:22"]],
      ["admin_user": "app"],
      ["admin_user": "-x"], ["log": "auth.log"], ["sshd_config": "x"], ["options": "restrict\npty"],
    ] as [[String: JSONValue]])
  func `wrong settings are refused`(_ settings: [String: JSONValue]) {
    #expect(throws: CapabilityError.self) { try make(settings) }
  }

  @Test func `hosts are read as ssh means them`() throws {
    let places = try make(["hosts": ["app@db1.example", "app@[2001:db8::7]:2222", "app@db2:22"]]).places
    #expect(places.map(\.name) == ["app@db1.example", "app@[2001:db8::7]:2222", "app@db2"])
    #expect(places.map(\.host) == ["db1.example", "2001:db8::7", "db2"])
  }

  @Test func `tokens of AuthorizedKeysFile are put in`() {
    #expect(
      SSHKeyLook.paths(
        ".ssh/authorized_keys /etc/keys/%u/%U %h/x%% none", account: "app", home: "/home/app", uid: 7)
        == ["/home/app/.ssh/authorized_keys", "/etc/keys/app/7", "/home/app/x%"])
  }

  @Test func `options are named, whatever their values hold`() throws {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPF3FUmZnNz2V8WKIui/4dXUX7CH49NSt6rB3QvfPAHJ"
    let text =
      "  from=\"a,b\",command=\"say \\\"x, y\\\" # no\",NO-pty \(key) a comment\n# \(key)\nssh-rsa AAAA\n\(key)"
    let keys = AuthorizedKeys(Array(text.utf8))
    #expect(keys.keys.map(\.optionNames) == [["from", "command", "no-pty"], []])
    #expect(keys.bytes == Array((text + "\n").utf8))
  }

  /// Everybody knows the public half of somebody's key; only its owner knows the other.
  @Test(arguments: [1, .max]) func `another's public half before a key of one's own is none`(_ count: Int)
    throws
  {
    let mine = try SSHPrivateKey.ed25519(Array(0..<36), comment: "c")
    let theirs = try SSHPrivateKey.ed25519(Array(50..<86), comment: "c")
    func half(_ key: Secret) throws -> [UInt8] {
      Array(try #require(SSHPrivateKey.publicHalf(ofOpenSSH: key)).blob.suffix(32))
    }
    let lines = mine.exposeAsText().split(separator: "\n")
    let bytes = Array(try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
    let planted = bytes.replacing(try half(mine), with: try half(theirs), maxReplacements: count)
    let text = [String(lines[0]), Data(planted).base64EncodedString(), String(lines[lines.count - 1])]
    let key = try #require(SSHPrivateKey.readable(Secret(text.joined(separator: "\n"))))
    #expect(planted != bytes && SSHPrivateKey.publicHalf(ofOpenSSH: key) == nil)
  }

  @Test func `a new key is one that OpenSSH reads`() async throws {
    let directory = try TemporaryDirectory()
    let key = try SSHPrivateKey.ed25519(Array(0..<36), comment: "c")
    try key.exposeAsText().write(toFile: directory.path("key"), atomically: false, encoding: .utf8)
    try await Program.run(["chmod", "600", "key"], in: directory.path)
    let line = try await Program.run(["ssh-keygen", "-y", "-P", "", "-f", "key"], in: directory.path)
    let half = try #require(SSHPrivateKey.publicHalf(ofOpenSSH: key))
    #expect(SSHPublicKey(line: line.trimmingCharacters(in: .newlines)) == half)
    let print = try await Program.run(["ssh-keygen", "-l", "-f", "key"], in: directory.path)
    #expect(print.contains(half.fingerprint + " "))
    // On one line, as a variable of an environment holds it.
    let flat = Secret(key.exposeAsText().replacing("\n", with: "\\n"))
    #expect(SSHPrivateKey.readable(flat)?.isSame(as: key) == true)
  }
}

@Suite(.enabled(if: SecureShellHost.isPossible, "\(SecureShellHost.notice)")) struct SSHKeyContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(SSHKeyFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(SSHKeyFixture.self)
  }
}

private struct SSHKeyFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak
  private let shell: UnreliableShell

  static func make() async throws -> Self {
    let host = try SecureShellHost.shared()
    let one = try await host.makeAccount()
    let two = try await host.makeAccount(sharing: one)
    let shell = UnreliableShell(broken: "'\(two.name)'", account: two.name)
    return Self(
      provider: try SSHKeyTests.provider(
        host, [one, two], ["sshd_config": .string(host.plainConfiguration)], processes: shell),
      leak: Leak(one.key, handle: SSHPublicKey(line: one.publicLine)?.fingerprint), shell: shell)
  }

  func loseNextReply() -> Bool {
    shell.state.withLock { $0.losesNext = true }
    return true
  }
  func breakOnePlace() -> Bool {
    shell.state.withLock { $0.isBroken = true }
    return true
  }
  func mend() { shell.state.withLock { $0.isBroken = false } }
}

private let real = SubprocessRunner(environment: ProcessInfo.processInfo.environment, redact: { $0 })

/// The host's account `rotator` is root by another name: it needs no sudo.
private struct RootShell: ProcessRunner {
  let inner: any ProcessRunner
  init(_ inner: any ProcessRunner) { self.inner = inner }

  private func plain(_ call: ProcessCall) -> ProcessCall {
    var call = call
    call.arguments = call.arguments.map { $0.replacing("exec sudo -n -- /bin/sh", with: "exec /bin/sh") }
    return call
  }
  func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  { try await inner.inspect(plain(call), readOnlyBecause: reason) }
  func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    -> ProcessOutcome
  { try await inner.run(plain(call), under: authority) }
}

/// Loses a reply, or reaches one account no more, on demand.
private final class UnreliableShell: ProcessRunner {
  struct State {
    var losesNext = false
    var isBroken = false
  }
  let state = Mutex(State())
  private let broken: String
  private let account: String
  init(broken: String, account: String) {
    self.broken = broken
    self.account = account
  }

  private func reach(_ call: ProcessCall) throws(CapabilityError) {
    let isMeant = call.arguments.contains(account) || call.arguments.last?.contains(broken) == true
    guard isMeant, state.withLock({ $0.isBroken }) else { return }
    throw CapabilityError(.network, "ssh", because: "no connection")
  }
  func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  {
    try reach(call)
    return try await real.inspect(call, readOnlyBecause: reason)
  }
  func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    -> ProcessOutcome
  {
    try reach(call)
    let outcome = try await real.run(call, under: authority)
    let isLost = state.withLock { state in
      defer { state.losesNext = false }
      return state.losesNext
    }
    if isLost { throw CapabilityError(.unknownOutcome, "ssh", because: "the reply was lost") }
    return outcome
  }
}

/// Somebody writes just before the first change.
private final class Interloper: ProcessRunner {
  private let act: @Sendable () throws -> Void
  private let isDone = Mutex(false)
  init(_ act: @escaping @Sendable () throws -> Void) { self.act = act }

  func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  { try await real.inspect(call, readOnlyBecause: reason) }
  func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    -> ProcessOutcome
  {
    let isFirst = isDone.withLock { done in
      defer { done = true }
      return !done
    }
    if isFirst {
      do { try act() } catch { throw CapabilityError(.invalid, "test", because: "\(error)") }
    }
    return try await real.run(call, under: authority)
  }
}

/// What every call showed to others on this machine.
private final class Recorder: ProcessRunner {
  let seen = Mutex("")
  private func note(_ call: ProcessCall) {
    let text = (call.arguments + call.environment.map { "\($0)=\($1)" }).joined(separator: "\n")
    seen.withLock { $0 += text + "\n" }
  }
  func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  {
    note(call)
    return try await real.inspect(call, readOnlyBecause: reason)
  }
  func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    -> ProcessOutcome
  {
    note(call)
    return try await real.run(call, under: authority)
  }
}
