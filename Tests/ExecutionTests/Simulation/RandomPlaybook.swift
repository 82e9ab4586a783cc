/// A playbook from a seed: the verbs of a rotation in a sensible order, with random structure around them.
struct RandomPlaybook {
  private var random: SeededRandom
  private var lines: [String] = []
  private var count = 0
  private var hasTriage = false
  let consumers: Int

  init(seed: UInt64) {
    random = SeededRandom(seed)
    consumers = random.below(5)
  }

  static let retry =
    "retry: {attempts: 3, delay: 1s, max_delay: 8s, on: [network, rate_limit, server_error]}, timeout: 60s"

  mutating func text() -> String {
    lines = [
      "playbook: 1", "id: random", "title: Random", "inputs:", "  credential: {type: credential}",
      "  leaked: {type: secret}", "  store: {type: store}", "  consumers: {type: list<consumer>}",
      "locks: [\"cred\"]", "deadline: 7d", "steps:",
    ]
    if random.happens(0.7) { triage() }
    if random.happens(0.7) {
      step("{id: ticket, uses: ticket.open, with: {tracker: security, title: Task}, \(Self.retry)}")
    }
    extra()
    if random.happens(0.5) { step("{id: go, approve: {by: [responder], within: 15m}}") }
    let stopsFirst = random.happens(0.2)
    if stopsFirst { stop() }
    if random.happens(0.85) {
      replacement()
      if random.happens(0.8) { rollout() }
    }
    extra()
    if !stopsFirst, random.happens(0.85) { stop() }
    extra()
    if random.happens(0.3) {
      step("{id: leftovers, manual: \"Account for forks\", collect: {evidence: list<url>}}")
    }
    if random.happens(0.5) { branches() }
    extra()
    lines.append("finally:")
    extra()
    step("{id: closing, uses: ticket.close, with: {tracker: security}, \(Self.retry)}")
    extra()
    return lines.joined(separator: "\n") + "\n"
  }

  private mutating func step(_ text: String) { lines.append("  - " + text) }

  private mutating func triage() {
    hasTriage = true
    lines.append("  - id: triage")
    lines.append("    parallel:")
    lines.append(
      "      - {id: alive, uses: credential.verify, with: {credential: \"${{ inputs.credential }}\", secret: \"${{ inputs.leaked }}\"}, \(Self.retry)}"
    )
    lines.append(
      "      - {id: facts, uses: credential.inspect, with: {credential: \"${{ inputs.credential }}\", secret: \"${{ inputs.leaked }}\"}, on_failure: continue, \(Self.retry)}"
    )
  }

  /// Stops the leaked credential and proves it dead.
  private mutating func stop() {
    // A playbook that asks for the leaked credential back does not get it.
    let undo = random.happens(0.3) ? "uses: command.run, with: {argv: [enable]}" : "none: \"never again\""
    step(
      "{id: disable_old, uses: credential.disable, with: {credential: \"${{ inputs.credential }}\", secret: \"${{ inputs.leaked }}\"}, undo: {\(undo)}, \(Self.retry)}"
    )
    step(
      "{id: prove_dead, uses: credential.verify, with: {credential: \"${{ inputs.credential }}\", secret: \"${{ inputs.leaked }}\"}, expect: dead, poll: {every: 5s, for: 10m, consecutive: 3}, \(Self.retry)}"
    )
  }

  private mutating func replacement() {
    lines.append("  - id: replacement")
    lines.append("    uses: credential.issue")
    lines.append(
      "    with: {credential: \"${{ inputs.credential }}\", store: \"${{ inputs.store }}\", replaces: \"${{ inputs.leaked }}\"}"
    )
    if random.happens(0.8) {
      lines.append(
        "    verify: {uses: credential.verify, with: {credential: \"${{ inputs.credential }}\", secret: \"${{ self.secret }}\"}, expect: alive, poll: {every: 2s, for: 5m}}"
      )
    }
    lines.append(
      "    undo: {uses: credential.delete, with: {credential: \"${{ inputs.credential }}\", ref: \"${{ self.ref }}\"}}"
    )
    lines.append(
      "    retry: {attempts: 3, delay: 1s, max_delay: 8s, on: [network, rate_limit, server_error]}")
    lines.append("    timeout: 60s")
  }

  private mutating func rollout() {
    lines.append("  - id: rollout")
    lines.append(
      "    for_each: {in: \"${{ inputs.consumers }}\", as: one, max_parallel: \(1 + random.below(3))}")
    lines.append("    uses: consumer.roll-out")
    lines.append("    with: {consumer: \"${{ one }}\"}")
    lines.append(
      "    verify: {uses: consumer.health, with: {consumer: \"${{ one }}\"}, expect: healthy, poll: {every: 2s, for: 5m}}"
    )
    lines.append("    undo: {none: \"it is moved again\"}")
    lines.append(
      "    retry: {attempts: 3, delay: 1s, max_delay: 8s, on: [network, rate_limit, server_error]}")
    lines.append("    timeout: 60s")
  }

  /// A plain effect, sometimes with a condition or its own response to failure.
  private mutating func extra() {
    guard random.happens(0.6) else { return }
    step(effect())
  }

  private mutating func effect() -> String {
    count += 1
    let id = "extra\(count)"
    var more = ""
    if random.happens(0.2) { more += ", on_failure: continue" }
    if random.happens(0.15) {
      more += ", on_failure: [{id: \(id)r, uses: command.run, with: {argv: [repair]}, \(Self.retry)}]"
    }
    if more.components(of: "on_failure") > 1 { more = ", on_failure: continue" }
    if hasTriage, random.happens(0.3) { return guarded(id) }
    if count > 1, random.happens(0.3) { more += ", when: \"inputs.store == 'vault'\"" }
    if random.happens(0.4) {
      return
        "{id: \(id), uses: http.request, with: {method: POST, url: \"https://hook.invalid/x\"}, \(Self.retry)\(more)}"
    }
    return "{id: \(id), uses: command.run, with: {argv: [x]}, \(Self.retry)\(more)}"
  }

  /// Depends on a read inside a group that was over long before.
  private func guarded(_ id: String) -> String {
    "{id: \(id), uses: command.run, with: {argv: [x]}, when: \"steps.triage.alive.state == 'alive'\", \(Self.retry)}"
  }

  private mutating func branches() {
    count += 1
    let id = "group\(count)"
    lines.append("  - id: \(id)")
    if random.happens(0.4) {
      lines.append("    for_each: {in: \"${{ inputs.consumers }}\", as: member, max_parallel: 2}")
    }
    lines.append("    parallel:")
    for _ in 0..<(1 + random.below(3)) { lines.append("      - " + effect()) }
  }
}

extension String {
  /// How often `part` stands in it.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
