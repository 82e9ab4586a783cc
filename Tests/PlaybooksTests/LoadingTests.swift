import Capabilities
import Incidents
import Playbooks
import Testing

@Suite struct LoadingTests {
  @Test func `A playbook with every step key loads`() throws {
    let playbook = try Samples.load(Samples.complete)
    #expect(
      playbook.allSteps.map(\.id.rawValue) == [
        "triage", "triage.alive", "triage.facts", "triage.abuse", "ticket", "contain_first", "go",
        "replacement",
        "rollout", "prove_dead", "history", "history.tell", "leftovers", "postmortem",
      ])
    #expect(playbook.deadline == .seconds(4 * 3600))
  }
}
