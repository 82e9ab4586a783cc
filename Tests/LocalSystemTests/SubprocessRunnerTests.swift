import Capabilities
import Foundation
import LocalSystem
import Secrets
import TestSupport
import Testing

@Suite struct SubprocessRunnerTests {
  private let runner = SubprocessRunner(
    environment: ["PATH": "/usr/bin:/bin", "HOME": "/home/x", "RUNNER_SECRET": "hush"], redact: { $0 })

  @Test func `status, output and errors come back`() async throws {
    let outcome = try await runner.run(
      ProcessCall(["sh", "-c", "echo out; echo err >&2; exit 3"]), under: .forTests())
    #expect(outcome == ProcessOutcome(status: 3, output: "out\n", errors: "err\n"))
  }

  @Test func `arguments reach the program as they are`() async throws {
    let outcome = try await runner.inspect(
      ProcessCall(["printf", "%s|", "a b", "$HOME", "; rm -rf x", ""]), readOnlyBecause: "printf only prints")
    #expect(outcome.output == "a b|$HOME|; rm -rf x||")
  }

  @Test func `the environment is reduced`() async throws {
    let outcome = try await runner.inspect(
      ProcessCall(["env"], environment: ["OWN": "1"]), readOnlyBecause: "env only prints")
    let names = Set(outcome.output.split(separator: "\n").map { String($0.prefix { $0 != "=" }) })
    #expect(names == ["PATH", "HOME", "OWN", "STAUNCH_LEASH"])
  }

  @Test func `a secret travels on standard input only`() async throws {
    let outcome = try await runner.run(
      ProcessCall(["sh", "-c", "cat; tr '\\0' ' ' </proc/$$/cmdline >&2"], standardInput: Secret("pa55")),
      under: .forTests())
    #expect(outcome.output == "pa55")
    #expect(!outcome.errors.contains("pa55"))
  }

  @Test func `a program that does not read its standard input is no error`() async throws {
    let large = Secret(SecretBytes(copying: [UInt8](repeating: 0x61, count: 1 << 20)))
    let outcome = try await runner.run(ProcessCall(["true"], standardInput: large), under: .forTests())
    #expect(outcome.status == 0)
  }

  @Test func `output is redacted and bounded, and a cut never shows half a line`() async throws {
    let redactor = Redactor()
    redactor.register(Secret("s3cr3t-value"))
    let careful = SubprocessRunner(
      environment: ["PATH": "/usr/bin:/bin"], largestOutput: 38, redact: { redactor.redact($0) })
    let outcome = try await careful.inspect(
      ProcessCall(["sh", "-c", "echo s3cr3t-value; echo 0123456789; echo s3cr3t-value; seq 100000"]),
      readOnlyBecause: "prints")
    #expect(outcome.output == "[REDACTED]\n0123456789\n[REDACTED]\n[output cut]")
  }

  @Test func `a program that hangs is ended with its children at its deadline`() async throws {
    let directory = try TemporaryDirectory()
    // Program and child hold the pipe's other end for as long as they live.
    let pipe = directory.path("alive")
    #expect(mkfifo(pipe, 0o600) == 0)
    let reading = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reading) }
    let error = await #expect(throws: CapabilityError.self) {
      try await runner.inspect(
        ProcessCall(["sh", "-c", "exec 9>\(pipe); sleep 600 & wait"], timeout: .seconds(2)),
        readOnlyBecause: "sleeps")
    }
    #expect(error?.class == .timeout)
    var end = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    #expect(poll(&end, 1, 10_000) == 1, "the child still lives")
    #expect(end.revents & Int16(POLLHUP) != 0)
  }

  @Test func `an effect that hangs has an unknown outcome`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await runner.run(ProcessCall(["sleep", "600"], timeout: .milliseconds(50)), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
  }

  @Test(arguments: [["staunch-no-such-program"], ["/etc/passwd"], []])
  func `what cannot be started says why`(arguments: [String]) async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await runner.run(ProcessCall(arguments), under: .forTests())
    }
    #expect([.notFound, .refused, .configuration].contains(error?.class))
    #expect(error?.fix != nil)
  }

  @Test func `a working directory that is not there says so`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await runner.run(ProcessCall(["true"], workingDirectory: "/no/such"), under: .forTests())
    }
    #expect(error?.because.contains("working directory") == true)
  }

  @Test func `a signal counts as a shell counts it`() async throws {
    let outcome = try await runner.run(ProcessCall(["sh", "-c", "kill -9 $$"]), under: .forTests())
    #expect(outcome.status == 137)
  }

  @Test func `a secret that a program writes comes whole, or not at all`() async throws {
    let small = SubprocessRunner(
      environment: ["PATH": "/usr/bin:/bin"], largestOutput: 4, redact: { _ in "hidden" })
    let outcome = try await small.readSecret(
      ProcessCall(["sh", "-c", "printf pa55; printf err >&2; exit 3"]), readOnlyBecause: "it only prints")
    #expect(outcome.status == 3)
    #expect(outcome.output.exposeAsText() == "pa55")
    #expect(outcome.errors == "hidden")
    let error = await #expect(throws: CapabilityError.self) {
      try await small.readSecret(ProcessCall(["printf", "pa555"]), readOnlyBecause: "it only prints")
    }
    #expect(error?.class == .invalid)
  }
}
