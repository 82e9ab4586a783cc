import Capabilities
import Foundation
import Secrets
import TestSupport
import Testing

@testable import LocalSystem

@Suite struct ChildProcessTests {
  /// Runs a shell script to its end. - Returns: what it wrote.
  private func shell(_ script: String, environment: [String: String] = [:], secret: String? = nil)
    async throws
    -> (ending: ChildProcess.Ending, output: String)
  {
    let (child, reading) = try { () throws(CapabilityError) in
      let (reading, writing) = try InheritedDescriptor.pipe("test")
      let file = try InheritedDescriptor.holding(Secret(secret ?? ""), "test")
      let child = try ChildProcess.start(
        "/bin/sh", ["-c", script], environment: environment, descriptors: [1: writing, 3: file])
      return (child, reading)
    }()
    let output = await reading.text()
    return (await child.ending(), output)
  }

  @Test func `it gets the descriptors, the environment and nothing else`() async throws {
    let stray = open("/etc/hostname", O_RDONLY)  // without close-on-exec, as a careless library opens
    defer { close(stray) }
    let (ending, output) = try await shell(
      "cat <&3; echo; env; ls /proc/self/fd | tr '\\n' ' '; exit 7", environment: ["PATH": "/usr/bin:/bin"],
      secret: "one line")
    #expect(ending == .exited(7))
    let lines = output.split(separator: "\n").map(String.init)
    #expect(lines.first == "one line")
    let names = Set(lines.dropFirst().filter { $0.contains("=") }.map { String($0.prefix { $0 != "=" }) })
    #expect(names.subtracting(["PATH", "PWD", "SHLVL", "_", "OLDPWD"]).isEmpty, "\(names)")
    // `ls` itself opens the directory as the next free number.
    #expect(lines.last?.split(separator: " ").contains("\(stray)") == false || stray <= 4, "\(lines)")
  }

  @Test func `signals that we ignore reach it`() async throws {
    let before = signal(SIGTERM, SIG_IGN)
    defer { signal(SIGTERM, before) }
    let (reading, writing) = try InheritedDescriptor.pipe("test")
    let child = try ChildProcess.start(
      "/bin/sh", ["-c", "echo started; exec cat /dev/zero >/dev/null"], environment: [:],
      descriptors: [1: writing])
    var byte: UInt8 = 0
    #expect(read(reading.number, &byte, 1) == 1)
    child.signal(SIGTERM)
    #expect(await child.ending() == .signaled(SIGTERM))
    child.signal(SIGTERM)  // of a process that has ended: nothing happens
  }

  @Test func `a program that is not there is said`() async {
    #expect(throws: CapabilityError.self) {
      _ = try ChildProcess.start("/no/such/program", [], environment: [:], descriptors: [:])
    }
  }
}

@Suite struct ExclusiveLockTests {
  @Test func `one holder at a time, and a child that inherits it holds it too`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("lock")
    let child: ChildProcess
    let writing: InheritedDescriptor
    do {
      let lock = try #require(try ExclusiveLock.take(path))
      #expect(try ExclusiveLock.take(path) == nil)
      let pipe = try InheritedDescriptor.pipe("test")
      writing = pipe.writing
      child = try ChildProcess.start(
        "/bin/cat", [], environment: [:],
        descriptors: [0: pipe.reading, 5: InheritedDescriptor(borrowing: lock.descriptor)])
      lock.note(child.pid)
    }
    // Ours is closed; the child's copy still holds it.
    #expect(try ExclusiveLock.take(path) == nil)
    #expect(ExclusiveLock.holder(of: path) == child.pid)
    child.signal(SIGKILL)
    _ = try await ExclusiveLock.waitAndTake(path)
    #expect(await child.ending() == .signaled(SIGKILL))
    withExtendedLifetime(writing) {}
  }
}
