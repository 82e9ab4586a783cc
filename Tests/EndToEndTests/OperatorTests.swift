import Foundation
import JSON
import TestSupport
import Testing

/// What operators do to a running run: Ctrl-C, looking on, taking over. The real binary; the moment is exact because a
/// step of the run itself starts the program that does it.
@Suite struct OperatorTests {
  /// A home with a playbook of two steps; the first one runs `first.sh`, the second writes the file `second`.
  private struct Desk {
    let directory: TemporaryDirectory
    let binary: StaunchBinary

    init(first: String) throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try """
      playbook: 1
      id: two-steps
      title: Two steps
      deadline: 1h
      locks: [shop]
      steps:
        - {id: first, uses: command.run, with: {argv: [bash, "\(directory.path("first.sh"))"]}}
        - {id: second, uses: command.run, with: {argv: [touch, "\(directory.path("second"))"]}}
      """.write(toFile: directory.path("playbooks/two-steps.yaml"), atomically: true, encoding: .utf8)
      let exports =
        binary.environment.map { "export \($0.key)='\($0.value)'" }.joined(separator: "\n")
        + "\ncd '\(directory.path)'\nSTAUNCH='\(try StaunchBinary.products)/staunch'\n"
      try (exports + first).write(toFile: directory.path("first.sh"), atomically: true, encoding: .utf8)
    }

    func plan() async throws -> (id: String, digest: String, run: String) {
      let outcome = try await binary.run(["plan", "two-steps", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
      return (
        try #require(document["id"]?.string), try #require(document["digest"]?.string),
        try #require(document["run"]?.string)
      )
    }

    func run(_ plan: (id: String, digest: String, run: String)) async throws -> StaunchBinary.Outcome {
      try await binary.run(["run", plan.id, "--live", "--approve", plan.digest, "--no-input"])
    }

    func text(_ name: String) -> String {
      // Absent: the script did not get that far, which the expectation shows.
      (try? String(contentsOfFile: directory.path(name), encoding: .utf8)) ?? ""
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: directory.path(name)) }
  }

  @Test(arguments: ["INT", "TERM"])
  func `Ctrl-C ends the run at the next safe point, and resume goes on from there`(_ signal: String)
    async throws
  {
    let desk = try Desk(first: "echo once >> first.count\nkill -\(signal) $PPID\n")
    let plan = try await desk.plan()
    let stopped = try await desk.run(plan)
    #expect(stopped.status == 130, "\(stopped.errors) \(stopped.output)")
    #expect(stopped.output.contains("staunch resume"), "\(stopped.output)")
    #expect(!desk.exists("second"))
    let resumed = try await desk.binary.run(["resume", plan.run, "--no-input"])
    #expect(resumed.status == 0, "\(resumed.errors) \(resumed.output)")
    #expect(desk.exists("second"))
    #expect(desk.text("first.count") == "once\n", "what is done is not done again")
    #expect(try await desk.binary.run(["journal", "verify"]).status == 0)
  }

  @Test func `A second operator sees who executes the run and for how long, and cannot write`() async throws {
    let desk = try Desk(
      first: """
        "$STAUNCH" status > status.text 2>&1
        "$STAUNCH" status --json > status.json
        "$STAUNCH" resume "$(cat run)" --no-input > refused 2>&1
        echo $? > refused.status

        """)
    let plan = try await desk.plan()
    try plan.run.write(toFile: desk.directory.path("run"), atomically: true, encoding: .utf8)
    #expect(try await desk.run(plan).status == 0)
    #expect(desk.text("status.text").contains(" executes \(plan.run) for 0 min, holds shop; you look on"))
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(desk.text("status.json").utf8))
    let locks = try #require(document["locks"]?.array)
    #expect(locks.map { $0["name"]?.string } == ["run/\(plan.run)", "shop"])
    #expect(
      locks.allSatisfy { $0["state"] == "running" && $0["owner"]?.string?.contains("process ") == true })
    #expect(desk.text("refused.status") == "69\n", "\(desk.text("refused"))")
    #expect(desk.text("refused").contains("--take-over --reason"))
    let status = try await desk.binary.run(["status", "--json"])
    #expect(status.output.contains("\"locks\":[]"), "\(status.output)")
  }

  @Test func `A take-over needs a reason, is journalled, and fences the first operator off`() async throws {
    let desk = try Desk(
      first: """
        "$STAUNCH" resume "$(cat run)" --take-over --no-input > unreasoned 2>&1
        echo $? > unreasoned.status
        "$STAUNCH" resume "$(cat run)" --take-over --reason "the console hangs" --no-input > taken 2>&1
        echo $? > taken.status

        """)
    let plan = try await desk.plan()
    try plan.run.write(toFile: desk.directory.path("run"), atomically: true, encoding: .utf8)
    let first = try await desk.run(plan)
    #expect(desk.text("unreasoned.status") == "64\n", "\(desk.text("unreasoned"))")
    // Nobody can tell what the interrupted program did: the run waits for a decision.
    #expect(desk.text("taken.status") == "75\n", "\(desk.text("taken"))")
    #expect(first.status == 69, "\(first.errors)")
    #expect(first.errors.contains("staunch status"), "\(first.errors)")
    #expect(!desk.exists("second"))
    let exported = try await desk.binary.run(["journal", "export"])
    #expect(exported.output.contains("the console hangs"))
    #expect(try await desk.binary.run(["journal", "verify"]).status == 0)
    // The person decides; then the rest happens once.
    #expect(try await desk.binary.run(["skip", "first", "--reason", "it ran"]).status == 0)
    let last = try await desk.binary.run(["resume", plan.run, "--no-input"])
    #expect(last.status == 0, "\(last.errors) \(last.output)")
    #expect(desk.exists("second"))
  }

  /// Any word was taken as long as the digest was right: the name of another target is a no.
  @Test func `A --confirm that does not match is refused even with --approve`() async throws {
    let desk = try Desk(first: "true\n")
    let plan = try await desk.plan()
    let base = ["run", plan.id, "--live", "--approve", plan.digest, "--no-input"]
    let refused = try await desk.binary.run(base + ["--confirm", "another"])
    #expect(refused.status == 77, "\(refused.errors)")
    #expect(!desk.exists("second"))
    #expect(try await desk.binary.run(base + ["--confirm", plan.id]).status == 0)
    #expect(desk.exists("second"))
  }

  @Test func `An abort of a running run does not advise to resume it`() async throws {
    let desk = try Desk(
      first: """
        "$STAUNCH" abort --reason "wrong target" > aborted 2>&1
        echo $? > aborted.status

        """)
    let plan = try await desk.plan()
    #expect(try await desk.run(plan).status == 0)
    #expect(desk.text("aborted.status") == "69\n", "\(desk.text("aborted"))")
    #expect(desk.text("aborted").contains("staunch abort \(plan.run) --take-over"))
    #expect(!desk.text("aborted").contains("staunch resume"))
  }

  @Test func `What goes into a file has no colour, even from a terminal`() async throws {
    let desk = try Desk(first: "true\n")
    let plan = try await desk.plan()
    let staunch = try StaunchBinary.products + "/staunch"
    try await Program.run(
      [
        "script", "-qec", "'\(staunch)' run \(plan.id) > file; '\(staunch)' run \(plan.id) > /dev/tty",
        "typescript",
      ],
      in: desk.directory.path,
      environment: desk.binary.environment.merging(["TERM": "xterm"]) { _, new in new })
    #expect(desk.text("file").contains("plan \(plan.id)"))
    #expect(!desk.text("file").contains("\u{1B}["))
  }
}
