import Foundation
import JSON

/// One line of the checklist.
struct StepModel: Sendable {
  let step: String
  let stepLabel: String
  let stepState: String
  let stepAction: String?
  let glyph: String
  let word: String
  let tone: String
  let took: String?
  let stepReason: String?
  let isCurrent: Bool

  init?(_ json: JSONValue, current: String?) {
    guard let step = json["step"]?.string, let state = json["state"]?.string else { return nil }
    self.step = step
    stepLabel = json["item"]?.integer.map { "\(step)[\($0)]" } ?? step
    stepState = state
    stepAction = json["action"]?.string
    let mark = StateMark.step(state)
    glyph = mark.glyph
    word = mark.word
    tone = mark.tone
    took = state == "pending" ? nil : json["duration_ms"]?.integer.map(ConsoleText.took(milliseconds:))
    stepReason = json["reason"]?.string
    isCurrent = current != nil && current == stepLabel
  }
}
