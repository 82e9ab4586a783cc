import Foundation
import TestSupport
import Testing

/// Every spelling that Python's libraries write, through the command line.
@Suite struct FormsCommandTests {
  private struct Case: Codable {
    let row: String
    let how: String
    let secret: Data
    var text: Data
  }

  private static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../GitObjectsTests/Fixtures/forms/forms.py").standardizedFileURL.path

  /// A repository in which each case is a file, and a report with the secrets: keys have several lines.
  private struct World {
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    var repository: String { directory.path("repository") }

    init(_ cases: [Case]) throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try run("git", "init", "-q", "-b", "main", repository)
      for (number, one) in cases.enumerated() {
        try one.text.write(to: URL(filePath: "\(repository)/case-\(number)"))
      }
      try run("git", "-C", repository, "add", ".")
      try run("git", "-C", repository, "commit", "-qm", "cases")
      let findings = Set(cases.map(\.secret)).map { secret in
        ["RuleID": "generic", "File": "a", "Secret": String(decoding: secret, as: UTF8.self)]
      }
      try JSONEncoder().encode(findings).write(to: URL(filePath: directory.path("report.json")))
    }

    @discardableResult
    func run(_ program: String, _ arguments: String..., input: Data = Data()) throws -> Data {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [program] + arguments
      process.environment = [
        "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": directory.path,
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
      ]
      // Files and no pipes: neither side waits for the other.
      let (given, taken) = (directory.path("given"), directory.path("taken"))
      try input.write(to: URL(filePath: given))
      try Data().write(to: URL(filePath: taken))
      process.standardInput = FileHandle(forReadingAtPath: given)
      process.standardOutput = FileHandle(forWritingAtPath: taken)
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(program) \(arguments)")
      return try Data(contentsOf: URL(filePath: taken))
    }

    /// Files in which the scan found something.
    func scan() async throws -> (status: Int32, files: Set<String>, errors: String) {
      let outcome = try await binary.run([
        "history", "scan", "--repository", "repository", "--secrets", "report.json", "--json",
      ])
      let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
      let places = document?["places"] as? [[String: Any]]
      return (outcome.status, Set((places ?? []).compactMap { $0["path"] as? String }), outcome.errors)
    }
  }

  private static func cases(_ arguments: String...) throws -> [Case] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode([Case].self, from: bytes)
  }

  @Test func `history scan finds every spelling that python3 writes`() async throws {
    let cases = try Self.cases("encode", "11")
    let world = try World(cases)
    let found = try await world.scan()
    #expect(found.status == 10, "\(found.errors)")
    let missing = cases.indices.filter { !found.files.contains("case-\($0)") }
      .map {
        "\(cases[$0].row) \(cases[$0].how): \(String(decoding: cases[$0].text.prefix(200), as: UTF8.self))"
      }
    #expect(missing.isEmpty, "\(missing.count): \(missing.prefix(30).joined(separator: "\n"))")
  }

  @Test(arguments: ["p&ss<w>\"d'-ü-Tr0ub4dor\\88", "AbC+/dEf0123" + "/GhI456=jK%l8"])
  func `after history rewrite no spelling decodes to the secret any more`(secret: String) async throws {
    var cases = try Self.cases("spell", Data(secret.utf8).base64EncodedString())
    let world = try World(cases)
    let outcome = try await world.binary.run([
      "history", "rewrite", "--repository", "repository", "--secrets", "report.json", "--live", "--confirm",
      "repository",
    ])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let clone = world.directory.path("clone")
    try world.run("git", "clone", "-q", world.repository, clone)
    for index in cases.indices {
      cases[index].text = try Data(contentsOf: URL(filePath: "\(clone)/case-\(index)"))
    }
    let left = try world.run("python3", Self.script, "decode", input: try JSONEncoder().encode(cases))
    #expect(String(decoding: left, as: UTF8.self) == "")
    let scan = try await world.scan()
    #expect(scan.status == 0 && scan.files.isEmpty, "\(scan.errors)")
  }
}
