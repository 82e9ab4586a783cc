import GitObjects

/// Which references of a remote get which value, each with the value it must have before. Every reference that the remote
/// advertises is in exactly one of the lists.
struct PushPlan: Sendable, Equatable {
  struct Update: Sendable, Equatable {
    let name: ReferenceName
    /// nil: the reference is deleted (its name held the secret).
    let new: ObjectID?
    /// nil: the reference must not exist yet.
    let lease: ObjectID?
  }

  /// What an object of the remote is to this repository.
  enum Standing: Sendable, Equatable {
    /// A rewrite here gave it a new version.
    case rewritten(ObjectID)
    /// It is here, and nothing that a rewrite removed is in its history.
    case clean
    /// It is here, and its history holds what a rewrite removed: it came after the rewrite.
    case holdsRemoved
    /// It was never here: nobody can say what it holds.
    case absent
  }

  private(set) var updates: [Update] = []
  /// Rewritten references that the remote has as they should be already.
  private(set) var alreadyDone: [ReferenceName] = []
  /// Other references that hold nothing that was removed.
  private(set) var clean: [ReferenceName] = []
  /// References that hold removed history and cannot be pushed to.
  private(set) var hidden: [ReferenceName] = []
  /// References that cannot be pushed to and were never fetched.
  private(set) var hiddenUnknown: [ReferenceName] = []
  /// References whose value this repository never saw.
  private(set) var unknown: [ReferenceName] = []
  /// References that hold removed history in a version that no rewrite here has seen.
  private(set) var stale: [ReferenceName] = []

  /// Names of what keeps a push from being the whole: each holds, or may hold, what was removed.
  var unaccounted: [ReferenceName] { stale + unknown }

  /// - Parameters:
  ///   - remote: what the remote advertises.
  ///   - moved: references that the rewrite moved: name after it, old id, new id.
  ///   - tracked: what the remote-tracking references said before the rewrite.
  ///   - standing: what an advertised id is to this repository.
  init(
    remote: [ReferenceName: ObjectID],
    moved: [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)],
    tracked: [ReferenceName: ObjectID], standing: (ObjectID) -> Standing
  ) {
    let byName = Dictionary(moved.map { ($0.old, $0) }) { first, _ in first }
    let named = Set(remote.filter { $0.key.bytes != PushPlan.head }.values)
    for (name, id) in remote.sorted(by: { $0.key < $1.key }) {
      if name.bytes == PushPlan.head {
        // Usually another name of a branch. A detached one is a reference that no push moves.
        if !named.contains(id) { place(name, standing(id), id) }
        continue
      }
      let move = byName[name]
      switch (standing(id), RemoteReferences.isHidden(name), move) {
      case (.rewritten(let new), false, .some(let move)) where move.old != move.new:
        rename(name, to: move.new, new, from: id, remote)
      case (.clean, false, .some(let move)) where move.old != move.new:
        rename(name, to: move.new, id, from: id, remote)
      case (.rewritten(let new), false, _): updates.append(Update(name: name, new: new, lease: id))
      case (.clean, false, .some): alreadyDone.append(name)
      case (.holdsRemoved, false, .some(let move)), (.absent, false, .some(let move)):
        // Somebody pushed after our last fetch, or a fetch brought it after the rewrite. The lease names what we knew,
        // so Git refuses, and with it everything.
        updates.append(Update(name: name, new: move.to, lease: tracked[name] ?? move.from))
        if standing(id) == .holdsRemoved { stale.append(name) } else { unknown.append(name) }
      case (let standing, _, _): place(name, standing, id)
      }
    }
  }

  private static let head = Array("HEAD".utf8)

  private mutating func rename(
    _ name: ReferenceName, to newName: ReferenceName, _ new: ObjectID, from id: ObjectID,
    _ remote: [ReferenceName: ObjectID]
  ) {
    updates.append(Update(name: newName, new: new, lease: remote[newName]))
    updates.append(Update(name: name, new: nil, lease: id))
  }

  /// A reference that this push leaves as it is.
  private mutating func place(_ name: ReferenceName, _ standing: Standing, _ id: ObjectID) {
    let isHidden = RemoteReferences.isHidden(name)
    switch standing {
    case .clean: clean.append(name)
    case .rewritten: if isHidden { hidden.append(name) } else { stale.append(name) }
    case .holdsRemoved: if isHidden { hidden.append(name) } else { stale.append(name) }
    case .absent: if isHidden { hiddenUnknown.append(name) } else { unknown.append(name) }
    }
  }
}
