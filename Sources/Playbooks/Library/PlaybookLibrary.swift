public import Capabilities
public import Incidents
import Synchronization

/// Every playbook that an installation knows: the built-in ones, and the user's, which win; and the parts that they include.
public struct PlaybookLibrary: PlaybookSources {
  /// One file, as found: the part of its name before `.yaml` is the playbook's id.
  public struct File: Sendable, Hashable {
    public let name: String
    public let text: String
    /// Why the text is not to be used: the file holds something else.
    let problem: Diagnostic?

    /// - Parameter name: as diagnostics show it, for example `playbooks/generic-secret.yaml`.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
      problem = nil
    }

    /// A file whose bytes may be no text: it is named when it is used, and costs no other.
    public init(name: String, bytes: some Collection<UInt8>) {
      self.name = name
      do throws(PlaybookError) {
        text = try PlaybookText.decode(bytes, file: name)
        problem = nil
      } catch {
        text = ""
        problem = error.diagnostics.first
      }
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
  private let parts: [PlaybookID: File]
  private let loaded = LoadedPlaybooks()

  /// - Parameters:
  ///   - builtin: files that are part of the program.
  ///   - own: files of the user's directory.
  ///   - parts: what `include:` finds; the first of each id, so the user's come before the built-in ones.
  public init(builtin: [File], own: [File] = [], parts: [File] = []) {
    self.builtin = Self.byID(builtin)
    self.own = Self.byID(own)
    self.parts = Self.byID(parts)
  }

  /// The first of each id.
  private static func byID(_ files: [File]) -> [PlaybookID: File] {
    Dictionary(files.map { ($0.id, $0) }) { first, _ in first }
  }

  public var ids: [PlaybookID] { Set(builtin.keys).union(own.keys).sorted() }

  public func text(of id: PlaybookID) -> (file: String, source: String)? {
    (own[id] ?? builtin[id]).map { ($0.name, $0.text) }
  }

  public func problem(of id: PlaybookID) -> Diagnostic? { (own[id] ?? builtin[id])?.problem }

  public var partIDs: [PlaybookID] { parts.keys.sorted() }

  public func part(_ id: PlaybookID) -> (file: String, source: String)? {
    parts[id].map { ($0.name, $0.text) }
  }

  public func problem(ofPart id: PlaybookID) -> Diagnostic? { parts[id]?.problem }

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
    if let problem = problem(of: id) { throw PlaybookError([problem]) }
    if let kept = loaded.playbook(id, for: catalogue) { return kept }
    let playbook = try Playbook.load(source: source, file: file, catalogue: catalogue, includes: self)
    if let problem = playbook.misnamed(source) { throw PlaybookError([problem]) }
    loaded.keep(playbook, id, for: catalogue)
    return playbook
  }
}

/// What a library has loaded. Its files do not change, and thousands of plans are made of the same few.
private final class LoadedPlaybooks: Sendable {
  private let kept = Mutex<[PlaybookID: (catalogue: [ActionSignature], playbook: Playbook)]>([:])

  func playbook(_ id: PlaybookID, for catalogue: [ActionSignature]) -> Playbook? {
    kept.withLock { kept in
      guard let found = kept[id], found.catalogue == catalogue else { return nil }
      return found.playbook
    }
  }

  func keep(_ playbook: Playbook, _ id: PlaybookID, for catalogue: [ActionSignature]) {
    kept.withLock { $0[id] = (catalogue, playbook) }
  }
}

extension Playbook {
  /// What is wrong with the name of its file: playbooks are found by it, so it is the id. Nil when nothing is.
  package func misnamed(_ text: String) -> Diagnostic? {
    let named = PlaybookLibrary.File(name: source.file, text: "").id
    guard named != id else { return nil }
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let line = lines.firstIndex { $0.hasPrefix("id:") } ?? 0
    return Diagnostic(
      .badIdentifier, at: SourcePosition(file: source.file, line: line + 1, column: 1),
      "the file holds the playbook \"\(id)\", and is looked for by its name, \"\(named)\"",
      suggestion: "rename the file to \(id).yaml, or write id: \(named)")
  }
}
