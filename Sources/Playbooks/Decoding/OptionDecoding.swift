import Capabilities
import Incidents

// `approve`, `retry`, `expect`, `poll`.
extension PlaybookDecoder {
  mutating func approval(_ node: YAMLNode?, isGate: Bool) -> ApprovalGate? {
    guard let node, let members = members(of: node, as: .approval) else { return nil }
    var roles: [RoleName] = []
    for role in members["by"].flatMap({ list($0, of: "by") }) ?? [] {
      if let name = identifier(role, of: "by") { roles.append(RoleName(name)) }
    }
    var show: [String] = []
    for item in members["show"].flatMap({ list($0, of: "show") }) ?? [] {
      if let name = identifier(item, of: "show") { show.append(name) }
    }
    return ApprovalGate(
      roles: roles, minimum: integer(members["min"], of: "min", atLeast: 1) ?? 1,
      isNotInitiator: boolean(members["not_initiator"], of: "not_initiator") ?? false,
      within: duration(members["within"], of: "within"),
      onTimeout: word(
        members["on_timeout"], of: "on_timeout", ApprovalGate.TimeoutResponse.self, default: .wait),
      show: show, position: node.position)
  }

  mutating func retry(_ node: YAMLNode?) -> RetryPolicy {
    var policy = defaults.retry
    guard let node, let members = members(of: node, as: .retry) else { return policy }
    policy.attempts = integer(members["attempts"], of: "attempts", atLeast: 1) ?? policy.attempts
    policy.delay = duration(members["delay"], of: "delay") ?? policy.delay
    policy.maxDelay = duration(members["max_delay"], of: "max_delay") ?? max(policy.maxDelay, policy.delay)
    policy.jitter = word(members["jitter"], of: "jitter", RetryPolicy.Jitter.self, default: policy.jitter)
    if let classes = members["on"].flatMap({ list($0, of: "on") }) {
      policy.classes = []
      for node in classes {
        guard let text = text(node, of: "on") else { continue }
        if let found = CapabilityError.Class(rawValue: text) {
          policy.classes.insert(found)
        } else {
          report(
            .wrongShape, node.position, "there is no error class \"\(text)\"",
            Suggestion.phrase(for: text, among: CapabilityError.Class.allCases.map(\.rawValue)))
        }
      }
    }
    return policy
  }

  mutating func poll(_ node: YAMLNode?) -> Poll? {
    guard let node, let members = members(of: node, as: .expectationPoll),
      let interval = duration(members["every"], of: "every"), let limit = duration(members["for"], of: "for")
    else { return nil }
    let consecutive = integer(members["consecutive"], of: "consecutive", atLeast: 1) ?? 1
    if interval * (consecutive - 1) > limit {
      report(
        .wrongShape, node.position,
        "\(consecutive) answers every \(DurationText.text(of: interval)) do not fit into \(DurationText.text(of: limit))",
        "make \"for\" longer than \(DurationText.text(of: interval * (consecutive - 1)))")
    }
    return Poll(interval: interval, limit: limit, consecutive: consecutive)
  }

  /// `expect` and `poll` of an action, checked against its answers.
  mutating func expectation(
    expect: YAMLNode?, poll pollNode: YAMLNode?, action: ActionSignature, isVerify: Bool,
    at position: SourcePosition
  ) -> Expectation? {
    let poll = poll(pollNode)
    guard let expect, let answer = text(expect, of: "expect") else {
      if let pollNode, expect == nil {
        report(.expectation, pollNode.position, "\"poll\" without \"expect\" never ends well", "add expect:")
      } else if isVerify, !action.answers.isEmpty, expect == nil {
        report(
          .expectation, position, "\"verify\" does not say which answer of \(action.id) proves the step",
          "add expect: " + action.answers.joined(separator: " | "))
      }
      return nil
    }
    guard !action.answers.isEmpty else {
      report(
        .expectation, expect.position, "\(action.id) gives no answer to expect",
        "remove expect:, or use an action that answers a question")
      return nil
    }
    guard action.answers.contains(answer) else {
      report(
        .expectation, expect.position, "\(action.id) never answers \"\(answer)\"",
        Suggestion.phrase(for: answer, among: action.answers))
      return nil
    }
    if let pollNode, action.effect != .read {
      report(
        .expectation, pollNode.position, "\(action.id) changes the world: polling would repeat it",
        "poll in verify:, with an action that only reads")
    }
    return Expectation(answer: answer, poll: poll)
  }
}
