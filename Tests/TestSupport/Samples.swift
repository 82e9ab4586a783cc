import Capabilities
public import Playbooks

/// Playbooks that several tests start from.
public enum Samples {
  /// Uses every step key of the language once.
  public static let complete = #"""
    playbook: 1
    id: rotate-leaked-credential
    title: Contain and replace one leaked credential
    deadline: 4h
    inputs:
      incident:     {type: incident}
      credential:   {type: credential}
      leaked:       {type: secret}
      store:        {type: store}
      tracker:      {type: tracker}
      consumers:    {type: list<consumer>, default: []}
      repositories: {type: list<repository>, default: []}
    locks: ["${{ inputs.credential.lock }}"]
    defaults: {timeout: 2m, retry: {attempts: 5, delay: 1s, max_delay: 60s, jitter: full, on: [network, rate_limit, server_error]}}
    steps:
      - id: triage
        parallel:
          - {id: alive, uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}}
          - {id: facts, uses: credential.inspect, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, timeout: 30s, on_failure: continue}
          - {id: abuse, uses: abuse.search, with: {credential: "${{ inputs.credential }}", since: "${{ inputs.incident.first_seen }}"}, on_failure: continue}
      - {id: ticket, uses: ticket.open, with: {tracker: "${{ inputs.tracker }}", title: "Incident ${{ inputs.incident.codename }}"}}
      - id: contain_first
        when: "steps.triage.abuse.seen == true"
        uses: credential.disable
        with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}
        verify: {uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, expect: dead, poll: {every: 5s, for: 5m}}
        undo: {none: "a leaked credential is never enabled again"}
      - id: go
        when: "steps.triage.abuse.seen != true"
        approve: {by: [responder], within: 15m, on_timeout: wait}
      - id: replacement
        uses: credential.issue
        with: {credential: "${{ inputs.credential }}", store: "${{ inputs.store }}"}
        verify: {uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ self.secret }}"}, expect: alive}
        undo: {uses: credential.delete, with: {credential: "${{ inputs.credential }}", ref: "${{ self.ref }}"}}
      - id: rollout
        for_each: {in: "${{ inputs.consumers }}", as: consumer, max_parallel: 4}
        uses: consumer.roll-out
        with: {consumer: "${{ consumer }}", ref: "${{ steps.replacement.ref }}"}
        verify: {uses: consumer.health, with: {consumer: "${{ consumer }}"}, expect: healthy, poll: {every: 10s, for: 5m}}
        undo: {none: "the old credential is leaked"}
      - id: prove_dead
        uses: credential.verify
        with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}
        expect: dead
        poll: {every: 5s, for: 10m, consecutive: 3}
      - id: history
        for_each: {in: "${{ inputs.repositories }}", as: repository, max_parallel: 2}
        approve: {by: [repository-admin, responder], within: 1h, show: [changes, open_pull_requests, forks]}
        uses: history.rewrite
        with: {repository: "${{ repository }}", remove: ["${{ inputs.leaked }}"], backup: bundle}
        verify: {uses: history.scan, with: {repository: "${{ repository }}", secrets: ["${{ inputs.leaked }}"]}, expect: clean}
        undo: {uses: history.restore, with: {repository: "${{ repository }}", backup: "${{ self.backup }}"}}
        on_failure:
          - {id: tell, uses: notify.send, with: {to: "${{ inputs.tracker }}", title: "History of ${{ inputs.incident.codename }} is not clean"}}
      - {id: leftovers, manual: "Account for forks of ${{ inputs.incident.codename }}", collect: {evidence: list<url>}, timeout: 1d}
    finally:
      - {id: postmortem, uses: postmortem.draft, with: {incident: "${{ inputs.incident }}"}}
    """#

  /// Loads `source` against the built-in actions.
  public static func load(_ source: String, includes: any PlaybookSources = NoPlaybookSources()) throws
    -> Playbook
  {
    try Playbook.load(source: source, file: "p.yaml", catalogue: ActionSignature.builtin, includes: includes)
  }

  /// Every diagnostic of the loader, as text; empty when `source` loads.
  public static func complaints(_ source: String, includes: any PlaybookSources = NoPlaybookSources())
    -> [String]
  {
    do {
      _ = try Playbook.load(
        source: source, file: "p.yaml", catalogue: ActionSignature.builtin, includes: includes)
      return []
    } catch {
      return error.diagnostics.map(\.description)
    }
  }

  /// A playbook of these steps (each line indented by four spaces), with the usual inputs.
  public static func playbook(steps: String) -> String {
    """
    playbook: 1
    id: sample
    title: A sample
    deadline: 1h
    inputs: {c: {type: credential}, leaked: {type: secret}, s: {type: store}, i: {type: incident}, t: {type: tracker}, r: {type: repository}, n: {type: integer}, names: {type: list<string>}, people: {type: list<consumer>}}
    locks: ["${{ inputs.c.lock }}"]
    steps:
    \(steps)
    """
  }
}
