import Capabilities
import Consumers
import Foundation
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

/// systemd cannot run here: a program in its place prints what systemctl(1) of systemd 252 documents, from a file that each test
/// writes. Processes and their environments are real.
@Suite struct SystemdUnitTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    // `restart` runs what the test says; `show` prints the file.
    try """
    #!/bin/sh
    echo "$*" >>"\(directory.path)/calls"
    for word in "$@"; do
      case $word in
        show) cat "\(directory.path)/state"; exit $(cat "\(directory.path)/status" 2>/dev/null || echo 0);;
        restart) . "\(directory.path)/restart"; exit;;
      esac
    done
    """.write(toFile: directory.path("systemctl"), atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: directory.path("systemctl"))
  }

  private func write(_ state: [String: String], restart: String = "true") throws {
    let all = [
      "LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Result": "success",
      "NRestarts": "0", "InvocationID": "aa", "ActiveEnterTimestamp": "@1000",
      "ControlGroup": "/system.slice/app.service",
      "NeedDaemonReload": "no",
    ].merging(state) { _, new in new }
    try all.map { "\($0.key)=\($0.value)\n" }.joined().write(
      toFile: directory.path("state"), atomically: false, encoding: .utf8)
    try restart.write(toFile: directory.path("restart"), atomically: false, encoding: .utf8)
  }

  private func unit(
    _ settings: [String: JSONValue] = [:], path: String? = nil, files: any FileSystem = LocalFileSystem(),
    now: Double = 1060
  ) throws -> any Consumer {
    let path = path ?? "\(directory.path):/usr/bin:/bin"
    return try ConsumerRegistry.make(
      TargetConfiguration(
        name: "app", kind: "systemd-unit",
        settings: settings.merging(["unit": "app.service"]) { own, _ in own }, position: "staunch.yaml:9:1"),
      in: .forTests(
        processes: SubprocessRunner(environment: ["PATH": path], redact: { $0 }), files: files,
        now: { Date(timeIntervalSince1970: now) }))
  }

  private var newInvocation: String {
    "sed -i s/InvocationID=aa/InvocationID=bb/ '\(directory.path)/state'"
  }

  @Test func `a restart counts when systemd names another invocation`() async throws {
    try write([:], restart: newInvocation)
    try await unit(["scope": "user"]).rollOut(marker: "m", under: .forTests())
    let calls = try String(contentsOfFile: directory.path("calls"), encoding: .utf8)
    #expect(calls.contains("--user restart --no-ask-password -- app.service"))
    try write([:])
    let error = await #expect(throws: CapabilityError.self) {
      try await unit().rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.because.contains("the same invocation") == true)
  }

  @Test func `a restart that is refused or fails says so`() async throws {
    for (status, expected) in [(4, CapabilityError.Class.refused), (1, .serverError)] {
      try write([:], restart: "echo Access denied >&2; exit \(status)")
      let error = await #expect(throws: CapabilityError.self) {
        try await unit().rollOut(marker: "m", under: .forTests())
      }
      #expect(error?.class == expected)
      #expect(error?.because.contains("Access denied") == true)
    }
  }

  @Test func `a unit that was changed since is not restarted`() async throws {
    try write(["NeedDaemonReload": "yes"], restart: newInvocation)
    #expect(try await unit().plan().cannotPredict.count == 2)
    let error = await #expect(throws: CapabilityError.self) {
      try await unit().rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(try !String(contentsOfFile: directory.path("calls"), encoding: .utf8).contains("restart"))
  }

  @Test(
    arguments: [
      ([:], .healthy), (["ActiveState": "activating"], .unknown),
      (["ActiveState": "failed", "Result": "exit-code"], .unhealthy),
      (["ActiveState": "inactive"], .unhealthy), (["ActiveEnterTimestamp": "@1055"], .unknown),
      (["ActiveEnterTimestamp": "@1055", "NRestarts": "3"], .unhealthy), (["NRestarts": "3"], .healthy),
      (["ActiveEnterTimestamp": ""], .unknown), (["NRestarts": "[not set]"], .unknown),
    ] as [([String: String], ConsumerHealth.State)])
  func `health is systemd's word, for long enough`(state: [String: String], expected: ConsumerHealth.State)
    async throws
  {
    try write(state)
    let health = try await unit().health()
    #expect(health.state == expected, "\(health.evidence)")
  }

  @Test func `the program's own check comes on top`() async throws {
    try write([:])
    let health = try await unit(["health_command": ["false"]]).health()
    #expect(health.state == .unhealthy)
    #expect(
      health.evidence
        == "app.service is active (running) for 60 s, restarted by systemd 0 times; false ended with status 1"
    )
  }

  @Test func `no systemctl, no systemd and no such unit are told apart`() async throws {
    try write([:])
    let absent = await #expect(throws: CapabilityError.self) { try await unit(path: "/nowhere").health() }
    #expect(absent?.because == "there is no systemctl on this machine")
    try "1".write(toFile: directory.path("status"), atomically: false, encoding: .utf8)
    let silent = await #expect(throws: CapabilityError.self) { try await unit().health() }
    #expect(silent?.because.contains("systemd may not run here") == true)
    try "0".write(toFile: directory.path("status"), atomically: false, encoding: .utf8)
    try write(["LoadState": "not-found"])
    let unknown = await #expect(throws: CapabilityError.self) { try await unit().plan() }
    #expect(unknown?.class == .notFound)
    guard case .missing? = try await unit().readiness().first?.verdict else {
      Issue.record("doctor says that it is ready")
      return
    }
  }

  @Test func `a process that still has the old value is named, by its variable alone`() async throws {
    let old = "leaked-value-0123456"
    let stale = try Self.sleeper(["DATABASE_URL": "postgres://u:\(old)@h/d", "HOME": "/"])
    let fresh = try Self.sleeper(["DATABASE_URL": "postgres://u:new@h/d"])
    defer { for process in [stale, fresh] { kill(process.processIdentifier, SIGKILL) } }
    let mounted = directory.path("token")
    try old.write(toFile: mounted, atomically: false, encoding: .utf8)
    try write([:])
    let files = ControlGroup(processes: [stale.processIdentifier, fresh.processIdentifier, 0x3FFF_FFFF])
    let holdings = try await unit(["files": [.string(mounted), "/nowhere"]], files: files).holdings(of: [
      Secret(old)
    ])
    #expect(holdings.holding == ["process \(stale.processIdentifier) (DATABASE_URL)", mounted])
    #expect(holdings.moved == ["process \(fresh.processIdentifier)"])
    #expect(holdings.unread.count == 1)
    #expect(holdings.unread.first?.hasPrefix("/nowhere: ") == true)
  }

  @Test func `a unit without processes has not moved`() async throws {
    try write(["ControlGroup": ""])
    let holdings = try await unit().holdings(of: [Secret("leaked-value-0123456")])
    #expect(holdings == ConsumerHoldings(unread: ["no process of app.service runs"]))
  }

  @Test(arguments: ["", "-x", "a b", "a;b", "a/b"])
  func `a name that is no unit's is refused`(name: String) {
    let error = #expect(throws: CapabilityError.self) { try unit(["unit": .string(name)]) }
    #expect(error?.class == .configuration)
  }

  /// Its environment is in place once it has said so.
  private static func sleeper(_ environment: [String: String]) throws -> Process {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "echo ready; exec sleep 60"]
    process.environment = environment
    process.standardOutput = output
    try process.run()
    _ = try output.fileHandleForReading.read(upToCount: 6)
    return process
  }
}

/// The control group is the test's; everything else is real.
private struct ControlGroup: FileSystem {
  private let real = LocalFileSystem()
  let processes: [Int32]

  init(processes: [Int32]) { self.processes = processes }

  func read(_ path: String) async throws(CapabilityError) -> Secret {
    guard path == "/sys/fs/cgroup/system.slice/app.service/cgroup.procs" else {
      return try await real.read(path)
    }
    return Secret(processes.map { "\($0)\n" }.joined())
  }
  func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await real.replace(path, with: contents, under: authority) }
  func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await real.makeDirectory(path, under: authority) }
  func exists(_ path: String) async -> Bool { await real.exists(path) }
  func files(in directory: String) async throws(CapabilityError) -> [String] {
    try await real.files(in: directory)
  }
  func obstacle(toReplacing path: String) async -> String? { await real.obstacle(toReplacing: path) }
}
