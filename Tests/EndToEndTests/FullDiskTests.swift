import Foundation
import JSON
import TestSupport
import Testing

/// A full disk, and a report of thousands: what a person reads then. The real binary; the disk is a small one of its own.
@Suite struct FullDiskTests {
  @Test
  func `A full disk is said in plain words with a command, and nothing is lost when there is space again`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try """
    [{"RuleID": "generic-api-key", "Secret": "\("vT8kQ2" + "zL0pW4xY")", "Match": "key", "File": "a.py", "StartLine": 3,
      "Commit": "0123456789012345678901234567890123456789", "Date": "2026-11-01T10:00:00Z"}]
    """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    // A file system of 1 MiB that is filled to the last block, then freed. Only this script sees it.
    try """
    set -e
    mkdir -m 700 state
    mount -t tmpfs -o size=1m,mode=700 none state
    staunch='\(try StaunchBinary.products)/staunch'
    "$staunch" respond r.json --format gitleaks > before 2>&1
    dd if=/dev/zero of=state/ballast bs=4k > /dev/null 2>&1 || true
    set +e
    text=$(head -c 2000 /dev/zero | tr '\\0' x)
    "$staunch" note "$text" > full 2>&1
    echo $? > full.status
    "$staunch" journal verify > full.verified 2>&1
    rm state/ballast
    "$staunch" note "there is space again" > after 2>&1
    echo $? > after.status
    "$staunch" journal verify > after.verified 2>&1
    """.write(toFile: directory.path("script"), atomically: true, encoding: .utf8)
    try await Program.run(
      ["unshare", getuid() == 0 ? "-m" : "-rm", "bash", "script"], in: directory.path,
      environment: binary.environment)
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: directory.path(name), encoding: .utf8)
    }
    let full = try text("full")
    #expect(try text("full.status") == "69\n", "\(full)")
    #expect(full.contains("is full"), "\(full)")
    #expect(full.contains("fix: free space"), "\(full)")
    for word in ["SQLite", "4874", "NSCocoa", "Domain"] { #expect(!full.contains(word), "\(full)") }
    let verified = try text("full.verified")
    #expect(verified.contains("the journal is whole"), "\(verified)")
    let last = try text("after.status")
    #expect(last == "0\n", "\(last)")
    #expect(try text("after.verified").contains("the journal is whole"))
  }

  @Test func `a report of many incidents prints what fits on a screen, and counts the rest`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try """
    staunch: 1
    repositories:
      shop: {path: "\(directory.path)"}
    routes:
      - {when: {kind: generic_password}, playbook: look}

    """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try """
    playbook: 1
    id: look
    title: Look
    deadline: 1h
    inputs:
      incident: {type: incident}
    locks: ["${{ inputs.incident.id }}"]
    steps:
      - {id: a, uses: command.run, with: {argv: ["true"]}}
      - {id: b, uses: command.run, with: {argv: ["true"]}}
    """.write(toFile: directory.path("playbooks/look.yaml"), atomically: true, encoding: .utf8)
    let count = 120
    let findings = (1...count).map { number -> JSONValue in
      [
        "kind": "generic_password", "value": .string("made-up-value-\(number)-" + "x7Qp"),
        "path": .string("f\(number)"), "line": 1,
      ]
    }
    let report: JSONValue = ["schema": "staunch.findings/1", "findings": .array(findings)]
    try report.canonicalText.write(
      toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
    let outcome = try await binary.run(["respond", "report.json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).count
    #expect(lines < 150, "\(lines) lines")
    #expect(
      outcome.output.contains("and \(count - 20) more, \(count - 20) of them planned"), "\(outcome.output)")
    let status = try await binary.run(["status"])
    #expect(status.output.split(separator: "\n").count < 100)
    #expect(status.output.contains("and \(count - 20) more open: staunch incidents"), "\(status.output)")
  }
}
