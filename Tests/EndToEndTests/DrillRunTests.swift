import Foundation
import JSON
import TestSupport
import Testing

/// Whole drills by the real binary, as on a fresh machine.
@Suite struct DrillRunTests {
  private func run(_ scenario: String) async throws -> (outcome: StaunchBinary.Outcome, board: JSONValue) {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let outcome = try await binary.run(["drill", "run", scenario, "--auto", "--json"])
    let last = outcome.output.split(separator: "\n").last.map(String.init) ?? "null"
    return (outcome, try JSONDecoder().decode(JSONValue.self, from: Data(last.utf8)))
  }

  @Test func `with lost replies and a lost comment at GitHub's tracker every message arrives once`()
    async throws
  {
    let (outcome, board) = try await run("lost-reply")
    #expect(outcome.status == 0, "\(board.canonicalText) \(outcome.errors.suffix(2000))")
    #expect(board["void"] == [], "every fault struck")
    #expect(board["hard_fails"] == [])
  }

  @Test func `scores that cannot be read are said as any other error: what, why and one fix`() async throws {
    let (directory, binary) = try StaunchBinary.world()
    let scores = directory.path("state/drills/scores.jsonl")
    try FileManager.default.createDirectory(atPath: scores, withIntermediateDirectories: true)
    let outcome = try await binary.run(["drill", "history", "--json"])
    #expect(outcome.status == 69, "\(outcome.errors)")
    let error = try JSONValue(parsing: Data(outcome.output.utf8))["error"]
    #expect(error?["what"]?.string == "read \(scores)", "\(outcome.output)")
    #expect(error?["because"]?.string == "it cannot be opened")
    #expect(error?["fix"]?.string == "ls -l \(scores)")
  }

  @Test
  func `two leaks of one script are answered by one run, and the other one's plan only makes the proof`()
    async throws
  {
    let (outcome, board) = try await run("one-run-for-both")
    #expect(outcome.status == 0, "\(board.canonicalText) \(outcome.errors.suffix(2000))")
    #expect(board["void"] == [])
    #expect(board["hard_fails"] == [])
    let steps = try outcome.output.split(separator: "\n").compactMap { line -> String? in
      let event = try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))
      // The end of a step with items, not of each of them.
      guard event["event"] == "step.done", event["body"]?["item"] == nil else { return nil }
      return event["body"]?["step"]?.string
    }
    #expect(steps.count { $0 == "rollout" } == 1, "\(steps)")
    let moved = try #require(steps.firstIndex(of: "rollout"))
    #expect((steps.firstIndex(of: "other_replacement") ?? .max) < moved, "both are stored before it moves")
    #expect((steps.firstIndex(of: "disable_old") ?? 0) > moved)
  }

  @Test func `a key that somebody else uses is stopped before its replacement is there`() async throws {
    let (outcome, board) = try await run("abused")
    #expect(outcome.status == 0, "\(board.canonicalText) \(outcome.errors.suffix(2000))")
    #expect(board["void"] == [])
    let steps = try outcome.output.split(separator: "\n").compactMap { line -> String? in
      let event = try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))
      guard event["event"] == "step.done", let step = event["body"]?["step"]?.string else { return nil }
      return step
    }
    let stopped = try #require(steps.firstIndex(of: "contain_first"))
    #expect(stopped < (steps.firstIndex(of: "replacement") ?? 0))
  }

  /// Steps that are done, in order, and what spoke against an expected answer before it came.
  private func course(_ outcome: StaunchBinary.Outcome) throws -> (steps: [String], before: [String]) {
    var steps: [String] = []
    var before: [String] = []
    for line in outcome.output.split(separator: "\n") {
      let event = try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))
      if event["event"] == "step.done", let step = event["body"]?["step"]?.string { steps.append(step) }
      before += (event["body"]?["before"]?.array ?? []).compactMap(\.string)
    }
    return (steps, before)
  }

  @Test
  func `a model server's token and key are replaced by one restart, and the pod that holds on is named`()
    async throws
  {
    let (outcome, board) = try await run("kubernetes-model-server")
    #expect(outcome.status == 0, "\(board.canonicalText) \(outcome.errors.suffix(2000))")
    #expect(board["void"] == [])
    #expect(board["hard_fails"] == [])
    let (steps, before) = try course(outcome)
    let moved = try #require(steps.firstIndex(of: "rollout"))
    #expect((steps.firstIndex(of: "other_replacement") ?? .max) < moved, "both are stored before it moves")
    #expect((steps.firstIndex(of: "disable_old") ?? 0) > moved)
    #expect((steps.firstIndex(of: "disable_other") ?? 0) > moved)
    #expect(before.contains { $0.contains("model-server-1-") }, "\(before)")
  }

  @Test func `a pipeline's sessions end before its new deployment, and the task that runs on is named`()
    async throws
  {
    let (outcome, board) = try await run("aws-ecs-pipeline")
    #expect(outcome.status == 0, "\(board.canonicalText) \(outcome.errors.suffix(2000))")
    #expect(board["void"] == [])
    #expect(board["hard_fails"] == [])
    let (steps, before) = try course(outcome)
    let moved = try #require(steps.firstIndex(of: "rollout"))
    let ended = try #require(steps.firstIndex(of: "end_sessions"))
    #expect((steps.firstIndex(of: "disable_old") ?? .max) < ended)
    #expect(ended < moved)
    #expect((steps.firstIndex(of: "end_other_sessions") ?? 0) > moved)
    #expect(before.contains { $0.contains("still running: ") }, "\(before)")
  }
}
