public import Incidents
public import JSON

/// The details of one kind of event: every member under its type, its name written once, here.
///
/// It keeps the body as the journal has it. So a member that a later version wrote is not lost, and one that an earlier version
/// did not write is nil: an absent member is never a guess.
public protocol EventBody: Sendable, Hashable {
  /// As the journal keeps it.
  var body: JSONValue { get }
  init(_ body: JSONValue)
}

extension EventBody {
  /// A member's text; of a tagged name (`{"$credential": "x"}`) the name.
  func text(_ member: String) -> String? {
    guard let value = body[member] else { return nil }
    if let text = value.string { return text }
    guard case .object(let members) = value, members.count == 1, let (tag, name) = members.first,
      tag.hasPrefix("$")
    else { return nil }
    return name.string ?? name.integer.map { String($0) }
  }

  /// A list's texts; nil when the member is absent or no list.
  func texts(_ member: String) -> [String]? { body[member]?.array.map { $0.compactMap(\.string) } }
}

/// The details of an event about a step.
public protocol StepEventBody: EventBody {}

extension StepEventBody {
  public var step: StepID? { text("step").map { StepID($0) } }
  /// Of a `for_each`, from 0.
  public var item: Int? { body["item"]?.integer }
  /// From 1.
  public var attempt: Int? { body["attempt"]?.integer }
  /// `credential.issue` …; absent where the step only waits.
  public var action: String? { text("action") }
}
