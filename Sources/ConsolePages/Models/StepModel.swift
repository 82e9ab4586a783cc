import Foundation
import JSON

/// One line of the checklist.
struct StepModel: Sendable {
  let step: String
  let stepLabel: String
  let stepState: String
  /// What it is called in the plan, else its id.
  let stepName: String
  /// Beside a title the id, else the action.
  let stepDetail: String?
  let glyph: String
  let word: String
  let tone: String
  let took: String?
  let stepReason: String?
  let isCurrent: Bool

  init?(_ json: JSONValue, current: String?, titles: [String: String] = [:]) {
    guard let step = json["step"]?.string, let state = json["state"]?.string else { return nil }
    self.step = step
    stepLabel = json["item"]?.integer.map { "\(step)[\($0)]" } ?? step
    stepState = state
    stepName = titles[step] ?? stepLabel
    stepDetail = titles[step] == nil ? json["action"]?.string : stepLabel
    let mark = StateMark.step(state)
    glyph = mark.glyph
    word = mark.word
    tone = mark.tone
    took = state == "pending" ? nil : json["duration_ms"]?.integer.map(ConsoleText.took(milliseconds:))
    stepReason = json["reason"]?.string
    isCurrent = current != nil && current == stepLabel
  }

  /// Titles of a plan's steps, by id. A text with an expression in it is none for people.
  static func titles(of plan: JSONValue?) -> [String: String] {
    var titles: [String: String] = [:]
    for step in plan?["steps"]?.array ?? [] {
      guard let id = step["step"]?.string, let title = step["title"]?.string, !title.isEmpty, title != id,
        !title.contains("${"), !title.contains("{{")
      else { continue }
      titles[id] = title
    }
    return titles
  }
}
