public import Incidents

/// Finds the text of other playbooks by id, for `playbook:` steps.
public protocol PlaybookSources: Sendable {
  /// The file's name and text, or nil when there is none.
  func text(of id: PlaybookID) -> (file: String, source: String)?
  /// Why the text of `id` cannot be used; nil when it can.
  func problem(of id: PlaybookID) -> Diagnostic?
  /// Every id that ``text(of:)`` knows, sorted, for suggestions.
  var ids: [PlaybookID] { get }
}

extension PlaybookSources {
  public func problem(of id: PlaybookID) -> Diagnostic? { nil }
}

/// Knows no other playbook.
public struct NoPlaybookSources: PlaybookSources {
  public init() {}
  public func text(of id: PlaybookID) -> (file: String, source: String)? { nil }
  public var ids: [PlaybookID] { [] }
}
