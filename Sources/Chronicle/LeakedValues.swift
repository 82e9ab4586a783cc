public import Incidents
import JSON
public import Secrets

/// The values of one leaked credential that the journal holds sealed: two passwords of one account are two values, and
/// what is said of one is not said of the other.
public struct LeakedValues: Sendable, Hashable {
  /// Their handles, oldest first.
  public private(set) var refs: [SecretRef] = []
  /// By fingerprint; a journal of before fingerprints were kept has handles without one.
  public private(set) var fingerprints: [Fingerprint: SecretRef] = [:]
  /// A value was here once, also one whose key was destroyed since: its handle names no other value, or what was proven of
  /// the old one would be said of the new one.
  public private(set) var hadAny = false
  /// Values whose key was destroyed: still recognised, and sealed anew when their incident is opened again.
  public private(set) var destroyed: Set<Fingerprint> = []

  public init() {}

  /// Handles whose fingerprint the journal does not say.
  public var unnamed: [SecretRef] {
    let named = Set(fingerprints.values)
    return refs.filter { !named.contains($0) }
  }

  /// Takes in an event of the incident: the sealing of a value, or what names the values that it brought.
  /// - Returns: true when it added a value.
  @discardableResult
  public mutating func take(_ event: JournalEvent) -> Bool {
    switch event.typed {
    case .secretSealed(let sealed):
      guard let named = event.incident, let ref = sealed.ref, ref.isLeaked(of: named) else { return false }
      return add(ref)
    case .incidentOpened(let report), .incidentUpdated(let report):
      var isNew = false
      for value in report.values {
        if note(value.fingerprint, of: value.ref) { isNew = true }
      }
      return isNew
    case .keyDestroyed(let key):
      // `SCOPE/id`: what lay under the incident's key cannot be opened any more.
      let scope = key.id.map { $0.prefix { $0 != "/" } } ?? ""
      refs.removeAll { $0.isLeaked(of: IncidentID(String(scope))) }
      destroyed.formUnion(fingerprints.filter { !refs.contains($0.value) }.keys)
      fingerprints = fingerprints.filter { refs.contains($0.value) }
      return false
    default: return false  // the other kinds bring no value
    }
  }

  /// From now on the value behind `ref` has this fingerprint. - Returns: true when it was not known.
  @discardableResult
  public mutating func note(_ fingerprint: Fingerprint, of ref: SecretRef) -> Bool {
    fingerprints[fingerprint] = fingerprints[fingerprint] ?? ref
    destroyed.remove(fingerprint)
    return add(ref)
  }

  /// The values of an incident that turned out to be the same one.
  public mutating func join(_ other: LeakedValues) {
    // The same value under two handles stays two: both are proven, and nothing depends on telling them apart.
    for ref in other.refs { add(ref) }
    fingerprints.merge(other.fingerprints) { own, _ in own }
    hadAny = hadAny || other.hadAny
    destroyed = destroyed.union(other.destroyed).subtracting(fingerprints.keys)
  }

  @discardableResult
  private mutating func add(_ ref: SecretRef) -> Bool {
    hadAny = true
    guard !refs.contains(ref) else { return false }
    refs.append(ref)
    return true
  }
}

extension IncidentRecord {
  /// The incident's leaked values: what must be dead, and gone from history.
  public var leakedValues: LeakedValues {
    events.reduce(into: LeakedValues()) { $0.take($1) }
  }
}
