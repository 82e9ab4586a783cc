public import Capabilities
public import Incidents

/// A loaded playbook: every name exists, every type fits. Whether it is *safe* is the linter's question.
public struct Playbook: Sendable {
  public let id: PlaybookID
  /// One line for people.
  public let title: String
  /// What it is for; empty when the file does not say.
  public let summary: String
  /// The file and its digest: what a run pins.
  public let source: PlaybookSource
  /// The parts whose steps stand in it, as `parts/ID`: pinned with it.
  public let parts: [PlaybookSource]
  /// In the order of the file.
  public let inputs: [InputDeclaration]
  /// Lock names; two runs with an equal one exclude each other.
  public let locks: [Template]
  /// No step begins later than this after the start or resume; nil when the file does not say (lint objects).
  public let deadline: Duration?
  /// Policy exceptions that it claims by name; staunch.yaml must grant each of them.
  public let exceptions: [PolicyException]
  /// Run one after the other.
  public let steps: [Step]
  /// Run at the end in any case, one after the other; each failure is reported and passed over.
  public let finally: [Step]

  /// This file, its parts and every sub-playbook with its own, each once, for pinning: sorted by id.
  public var pins: [PlaybookSource] {
    var found: [PlaybookID: PlaybookSource] = [:]
    collectPins(into: &found)
    return found.values.sorted { $0.id < $1.id }
  }

  /// Every step, also inside groups, branches, sub-playbooks and `finally`, each before its children.
  public var allSteps: [Step] {
    var all: [Step] = []
    all.reserveCapacity(steps.count + finally.count)
    for step in steps { step.collect(into: &all) }
    for step in finally { step.collect(into: &all) }
    return all
  }

  private func collectPins(into found: inout [PlaybookID: PlaybookSource]) {
    for own in [source] + parts { found[own.id] = own }
    for step in allSteps {
      guard case .playbook(let inner) = step.kind else { continue }
      for own in [inner.playbook.source] + inner.playbook.parts { found[own.id] = own }
    }
  }
}

/// Where a playbook came from.
public struct PlaybookSource: Sendable, Hashable {
  public let id: PlaybookID
  /// As the caller named it; `builtin:ID` for those that are part of the program.
  public let file: String
  /// Hex, over the file's bytes.
  public let sha256: String

  public init(id: PlaybookID, file: String, sha256: String) {
    self.id = id
    self.file = file
    self.sha256 = sha256
  }
}

/// One input of a playbook.
public struct InputDeclaration: Sendable, Hashable {
  public let name: String
  public let type: ValueType
  /// Nil: it must be given. `.null`: it may be left out.
  public let defaultValue: Value?
  /// One sentence for people; empty when the file does not say.
  public let summary: String
  public let position: SourcePosition
}

/// A rule of the linter that this playbook breaks on purpose, under a name that staunch.yaml's policy must grant.
public struct PolicyException: Sendable, Hashable {
  public let name: String
  /// The steps that it covers.
  public let steps: [StepID]
  public let reason: String
  public let position: SourcePosition
}
