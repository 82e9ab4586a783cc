import Foundation
import JSON
import Simulators
import Synchronization

/// The issues of one private GitHub repository, over the paths of the API that `staunch` uses.
///
/// It is a simulation written from the reference, not GitHub. Source: https://docs.github.com/en/rest/issues
final class SandboxIssues: Sendable {
  /// One issue as it stands.
  struct Issue: Sendable {
    let number: Int
    let labels: [String]
    let texts: [String]
    let isClosed: Bool
  }
  fileprivate struct State: Sendable {
    var issues: [Issue] = []
  }
  fileprivate final class World: Sendable {
    let state = Mutex(State())
    let faults: FaultBoard
    let token: String
    init(faults: FaultBoard, token: String) {
      self.faults = faults
      self.token = token
    }
  }

  static let repository = "drill/incidents"
  let token = "ghp_" + DecoySecret.text(36)
  let endpoint: SandboxEndpoint
  private let server: LoopbackServer
  private let world: World

  init(faults: FaultBoard) throws(DrillError) {
    let world = World(faults: faults, token: token)
    self.world = world
    server = try LoopbackServer { world.answer($0) }
    endpoint = server.endpoint
  }

  func stop() { server.stop() }

  /// In the order in which they were opened.
  var issues: [Issue] { world.state.withLock { $0.issues } }

  /// Message types by incident, as the markers in the texts say; a close counts when the issue is closed.
  var types: [String: [String]] {
    var types: [String: [String]] = [:]
    for issue in issues {
      let incident = issue.texts.lazy.compactMap { Self.marker("incident", in: $0) }.first ?? ""
      let events = issue.texts.map { Self.marker("event", in: $0) ?? "" }
      types[incident, default: []] += events.filter { $0 != "incident.closed" || issue.isClosed }
    }
    return types
  }

  private static func marker(_ word: String, in text: String) -> String? {
    guard let start = text.range(of: "<!-- staunch \(word) "),
      let end = text.range(of: " -->", range: start.upperBound..<text.endIndex)
    else { return nil }
    return String(text[start.upperBound..<end.lowerBound])
  }
}

extension SandboxIssues.World {
  func answer(_ request: SimulatedRequest) -> SimulatedReply {
    if faults.strikes(.notifierDown) { return .answer(503) }
    guard request.bearer == token else { return .json(401, ["message": "Bad credentials"]) }
    let path = request.path
    guard path.starts(with: ["repos", "drill", "incidents"]) else { return Self.notFound }
    let rest = Array(path.dropFirst(3))
    let number = rest.count > 1 ? Int(rest[1]) : nil
    switch (request.method, rest.count, rest.last) {
    case ("GET", 0, _): return .json(200, ["private": true, "visibility": "private"])
    case ("GET", 1, "issues"?): return .json(200, .array(page(request) ? issues().map(Self.json) : []))
    case ("POST", 1, "issues"?): return lost(open(request))
    case ("GET", 2, "comments"?): return .json(200, .array(page(request) ? comments() : []))
    case ("PATCH", 2, _): return change(number) { $0.closed(request.json?["state"] == "closed") }
    case ("GET", 3, "comments"?):
      let texts = issues().first { $0.number == number }?.texts.dropFirst() ?? []
      return .json(200, .array(page(request) ? texts.map { ["body": .string($0)] } : []))
    case ("POST", 3, "comments"?):
      if faults.strikes(.lostComment) { return .hangUp }
      return lost(change(number) { $0.adding(request.json?["body"]?.string ?? "") })
    default: return Self.notFound
    }
  }

  private func issues() -> [SandboxIssues.Issue] { state.withLock { $0.issues } }

  /// Of all issues.
  private func comments() -> [JSONValue] {
    issues().flatMap { issue in
      issue.texts.dropFirst().map {
        [
          "body": .string($0),
          "issue_url": .string("http://127.0.0.1/repos/drill/incidents/issues/\(issue.number)"),
        ]
      }
    }
  }

  /// A drill has few of everything: the first page is all of it.
  private func page(_ request: SimulatedRequest) -> Bool {
    !request.target.contains("&page=") || request.target.hasSuffix("&page=1")
  }

  private func lost(_ reply: SimulatedReply) -> SimulatedReply {
    faults.strikes(.lostTicketReply) ? .hangUp : reply
  }

  private func open(_ request: SimulatedRequest) -> SimulatedReply {
    guard let draft = request.json, let text = draft["body"]?.string else {
      return .json(422, ["message": "Validation Failed"])
    }
    return state.withLock { state in
      let issue = SandboxIssues.Issue(
        number: state.issues.count + 1, labels: (draft["labels"]?.array ?? []).compactMap(\.string),
        texts: [text + "\n" + (draft["title"]?.string ?? "")], isClosed: false)
      state.issues.append(issue)
      return .json(201, Self.json(issue))
    }
  }

  private func change(_ number: Int?, _ body: (SandboxIssues.Issue) -> SandboxIssues.Issue) -> SimulatedReply
  {
    state.withLock { state in
      guard let index = state.issues.firstIndex(where: { $0.number == number }) else { return Self.notFound }
      state.issues[index] = body(state.issues[index])
      return .json(200, Self.json(state.issues[index]))
    }
  }

  private static func json(_ issue: SandboxIssues.Issue) -> JSONValue {
    [
      "number": .integer(issue.number), "state": issue.isClosed ? "closed" : "open",
      "body": .string(issue.texts[0]), "labels": .array(issue.labels.map { ["name": .string($0)] }),
      "html_url": .string("http://127.0.0.1/drill/incidents/issues/\(issue.number)"),
    ]
  }

  private static let notFound = SimulatedReply.json(404, ["message": "Not Found"])
}

extension SandboxIssues.Issue {
  fileprivate func closed(_ isClosed: Bool) -> SandboxIssues.Issue {
    SandboxIssues.Issue(number: number, labels: labels, texts: texts, isClosed: isClosed)
  }

  fileprivate func adding(_ text: String) -> SandboxIssues.Issue {
    SandboxIssues.Issue(number: number, labels: labels, texts: texts + [text], isClosed: isClosed)
  }
}
