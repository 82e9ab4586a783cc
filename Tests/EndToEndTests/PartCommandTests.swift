import Foundation
import TestSupport
import Testing

/// The parts that playbooks share, by the commands that people have for playbooks. The real binary.
@Suite struct PartCommandTests {
  private let directory: TemporaryDirectory
  private let binary: StaunchBinary

  init() throws {
    directory = try TemporaryDirectory()
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks/parts"), withIntermediateDirectories: true)
  }

  /// A ticket of the team's own in place of the built-in part.
  private func write(when: String) throws {
    try """
    part: 1
    id: ticket
    title: Our ticket
    inputs: {incident: {type: incident}, tracker: {type: tracker, default: local}}
    steps:
      - id: ticket
        when: "\(when)"
        uses: ticket.open
        with: {tracker: "${{ inputs.tracker }}", title: "Ours ${{ inputs.incident.codename }}"}
        on_failure: continue
    """.write(toFile: directory.path("playbooks/parts/ticket.yaml"), atomically: true, encoding: .utf8)
  }

  @Test func `A playbook is shown with its parts, and each part too`() async throws {
    let shown = try await binary.run(["playbook", "show", "rotate-leaked-credential"])
    #expect(shown.output.contains("- include: aftermath"))
    #expect(shown.errors.contains("part: staunch playbook show history"), "\(shown.errors)")
    #expect(shown.errors.contains("input store: store"), "\(shown.errors)")
    let part = try await binary.run(["playbook", "show", "history"])
    #expect(part.status == 0 && part.output.contains("part: 1\nid: history"), "\(part.errors)")
    let graph = try await binary.run(["playbook", "graph", "openai-api-key"])
    #expect(graph.output.contains("Prove the leaked secret dead"), "\(graph.output)")
  }

  @Test func `A team's own part stands in for the built-in one, and its mistakes are named in its file`()
    async throws
  {
    try write(when: "has(inputs.incident)")
    let sound = try await binary.run(["playbook", "lint"])
    #expect(sound.status == 0, "\(sound.output)")
    try write(when: "inputs.nothing == 1")
    let wrong = try await binary.run(["playbook", "lint"])
    #expect(wrong.status == 65)
    #expect(wrong.output.contains("playbooks/parts/ticket.yaml:7:"), "\(wrong.output)")
    let part = try await binary.run(["playbook", "lint", "playbooks/parts/ticket.yaml"])
    #expect(part.status == 65 && part.output.contains("it is judged in the playbooks that include it"))
  }
}
