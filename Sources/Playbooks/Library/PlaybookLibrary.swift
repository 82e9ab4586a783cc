public import Capabilities
public import Incidents

/// Every playbook that an installation knows: the built-in ones, and the user's, which win.
public struct PlaybookLibrary: PlaybookSources {
  /// One file, as found: the part of its name before `.yaml` is the playbook's id.
  public struct File: Sendable, Hashable {
    public let name: String
    public let text: String

    /// - Parameter name: as diagnostics show it, for example `playbooks/generic-secret.yaml`.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }

    /// The last part of the name without its ending.
    public var id: PlaybookID {
      let last = name.split(separator: "/").last.map(String.init) ?? name
      for ending in [".yaml", ".yml"] where last.hasSuffix(ending) {
        return PlaybookID(String(last.dropLast(ending.count)))
      }
      return PlaybookID(last)
    }
  }

  /// Where a playbook comes from.
  public enum Origin: String, Sendable, Codable {
    case builtin, user
    /// The user's file stands in for a built-in one.
    case override
  }

  private let builtin: [PlaybookID: File]
  private let own: [PlaybookID: File]

  /// - Parameters:
  ///   - builtin: files that are part of the program.
  ///   - own: files of the user's directory.
  public init(builtin: [File], own: [File] = []) {
    self.builtin = Dictionary(builtin.map { ($0.id, $0) }) { first, _ in first }
    self.own = Dictionary(own.map { ($0.id, $0) }) { first, _ in first }
  }

  public var ids: [PlaybookID] { Set(builtin.keys).union(own.keys).sorted() }

  public func text(of id: PlaybookID) -> (file: String, source: String)? {
    (own[id] ?? builtin[id]).map { ($0.name, $0.text) }
  }

  /// Nil when there is no such playbook.
  public func origin(of id: PlaybookID) -> Origin? {
    switch (builtin[id] != nil, own[id] != nil) {
    case (true, true): .override
    case (true, false): .builtin
    case (false, true): .user
    case (false, false): nil
    }
  }

  /// Loads one, its includes from this library.
  ///
  /// - Throws: also when there is none, or when `id:` in the file is not the file's name.
  public func load(_ id: PlaybookID, catalogue: [ActionSignature]) throws(PlaybookError) -> Playbook {
    guard let (file, source) = text(of: id) else {
      throw PlaybookError([
        Diagnostic(
          .include, at: SourcePosition(file: id.rawValue, line: 1, column: 1),
          "there is no playbook \"\(id)\"",
          suggestion: Suggestion.phrase(for: id.rawValue, among: ids.map(\.rawValue)))
      ])
    }
    let playbook = try Playbook.load(source: source, file: file, catalogue: catalogue, includes: self)
    guard playbook.id == id else {
      throw PlaybookError([
        Diagnostic(
          .badIdentifier, at: SourcePosition(file: file, line: 1, column: 1),
          "the file holds the playbook \"\(playbook.id)\"",
          suggestion: "rename the file to \(playbook.id).yaml, or write id: \(id)")
      ])
    }
    return playbook
  }
}

/// A pinned file that is not what it was when the run began.
public struct PinChange: Sendable, Hashable {
  public let id: PlaybookID
  /// Hex; nil: it is new.
  public let pinned: String?
  /// Hex; nil: it is gone.
  public let found: String?

  /// What differs between `pins`, taken when a run began, and `playbook` now; sorted by id, empty when all is as it was.
  public static func changes(from pins: [PlaybookSource], to playbook: Playbook) -> [PinChange] {
    let before = Dictionary(pins.map { ($0.id, $0.sha256) }) { first, _ in first }
    let after = Dictionary(playbook.pins.map { ($0.id, $0.sha256) }) { first, _ in first }
    return Set(before.keys).union(after.keys).sorted().compactMap { id in
      before[id] == after[id] ? nil : PinChange(id: id, pinned: before[id], found: after[id])
    }
  }
}
