import GitObjects

/// Which references of a remote get which value, each with the value it must have before.
struct PushPlan: Sendable {
  struct Update: Sendable, Equatable {
    let name: ReferenceName
    /// nil: the reference is deleted (its name held the secret).
    let new: ObjectID?
    /// nil: the reference must not exist yet.
    let lease: ObjectID?
  }

  private(set) var updates: [Update] = []
  /// The remote has them as they should be already.
  private(set) var alreadyDone: [ReferenceName] = []
  /// References of the remote that hold rewritten history but cannot be pushed to.
  private(set) var hidden: [ReferenceName] = []
  /// References of the remote whose value this repository never saw: nobody here can say what they hold.
  private(set) var unknown: [ReferenceName] = []

  /// - Parameters:
  ///   - map: old → new ids of commits and tags.
  ///   - moved: references that the rewrite moved: name after it, old id, new id.
  ///   - tracked: what the remote-tracking references said before the rewrite.
  ///   - contains: whether this repository has an object now.
  init(
    remote: [ReferenceName: ObjectID], map: [ObjectID: ObjectID],
    moved: [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)],
    tracked: [ReferenceName: ObjectID], contains: (ObjectID) -> Bool
  ) {
    let byName = Dictionary(moved.map { ($0.old, $0) }) { first, _ in first }
    for (name, id) in remote.sorted(by: { $0.key < $1.key }) where name.bytes != Array("HEAD".utf8) {
      if let renamed = byName[name], renamed.old != renamed.new, !RemoteReferences.isHidden(name) {
        updates.append(Update(name: renamed.new, new: map[id] ?? id, lease: remote[renamed.new]))
        updates.append(Update(name: name, new: nil, lease: id))
      } else if let new = map[id] {
        if RemoteReferences.isHidden(name) {
          hidden.append(name)
        } else {
          updates.append(Update(name: name, new: new, lease: id))
        }
      } else if let move = byName[name], id == move.to {
        alreadyDone.append(name)
      } else if contains(id) {
        if byName[name] != nil { alreadyDone.append(name) }
      } else if let move = byName[name], !RemoteReferences.isHidden(name) {
        // Somebody pushed after our last fetch. The lease names what we knew, so Git refuses, and with it everything.
        updates.append(Update(name: name, new: move.to, lease: tracked[name] ?? move.from))
      } else {
        unknown.append(name)
      }
    }
  }
}
