public import Incidents

/// Finds the text of other playbooks by id, for `playbook:` steps, and of parts, for `include:`.
public protocol PlaybookSources: Sendable {
  /// The file's name and text, or nil when there is none.
  func text(of id: PlaybookID) -> (file: String, source: String)?
  /// Why the text of `id` cannot be used; nil when it can.
  func problem(of id: PlaybookID) -> Diagnostic?
  /// Every id that ``text(of:)`` knows, sorted, for suggestions.
  var ids: [PlaybookID] { get }
  /// The file's name and text of a part, or nil when there is none.
  func part(_ id: PlaybookID) -> (file: String, source: String)?
  /// Why the text of the part `id` cannot be used; nil when it can.
  func problem(ofPart id: PlaybookID) -> Diagnostic?
  /// Every id that ``part(_:)`` knows, sorted, for suggestions.
  var partIDs: [PlaybookID] { get }
}

extension PlaybookSources {
  public func part(_ id: PlaybookID) -> (file: String, source: String)? { nil }
  public func problem(ofPart id: PlaybookID) -> Diagnostic? { nil }
  public var partIDs: [PlaybookID] { [] }
  public func problem(of id: PlaybookID) -> Diagnostic? { nil }
}

/// Knows no other playbook and no part.
public struct NoPlaybookSources: PlaybookSources {
  public init() {}
  public func text(of id: PlaybookID) -> (file: String, source: String)? { nil }
  public var ids: [PlaybookID] { [] }
}
