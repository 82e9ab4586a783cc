import GitObjects

/// Where objects stand, for people: every path and every reference's name is cleaned once, whatever stands there.
struct ShownLocations {
  /// Where one object stands.
  struct Location: Sendable {
    let path: String?
    let first: ObjectID?
    let last: ObjectID?
    /// In the order of the snapshot. Objects in the same references share one array.
    let references: [String]
  }

  private var locations: [ObjectID: Location] = [:]

  /// - Parameter snapshot: its ``ReferenceSnapshot/targets`` are the tips of `located`.
  init(_ located: ObjectLocator.Outcome, _ snapshot: ReferenceSnapshot, _ cleaning: PathCleaning) {
    let names = snapshot.references.compactMap { reference in
      if case .object = reference.value { reference.name } else { nil }
    }
    var shown: [String?] = Array(repeating: nil, count: names.count)
    func name(_ tip: Int) -> String {
      if let known = shown[tip] { return known }
      let text = cleaning.shown(names[tip].bytes)
      shown[tip] = text
      return text
    }
    let sets = located.tipSets.map { $0.map(name) }
    for (object, location) in located.locations {
      locations[object] = Location(
        path: location.path.map { cleaning.shown($0) }, first: location.first, last: location.last,
        references: sets[location.tipSet])
    }
  }

  subscript(object: ObjectID) -> Location? { locations[object] }
}
