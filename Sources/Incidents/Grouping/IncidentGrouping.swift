public import Foundation
public import Secrets

/// How much one grouping keeps: beyond, findings are counted, so that a report of any length fits in memory.
public struct GroupingLimits: Sendable, Hashable {
  public var incidents: Int
  public var occurrencesPerIncident: Int
  /// Distinct values of one credential; each is probed and cleaned.
  public var valuesPerIncident: Int
  /// 20,000 incidents with 5,000 occurrences and 500 values each.
  public init(incidents: Int = 20_000, occurrencesPerIncident: Int = 5_000, valuesPerIncident: Int = 500) {
    self.incidents = incidents
    self.occurrencesPerIncident = occurrencesPerIncident
    self.valuesPerIncident = valuesPerIncident
  }
}

/// Sorts findings into incidents: one for each secret, whatever scanners call it and wherever it stands.
///
/// Findings that share a key that names one secret belong together; a later finding may join two groups (an access key id
/// alone and its secret alone, then the pair). A finding without a value joins the only secret known at its place.
public struct IncidentGrouping: Sendable {
  private let keys: [FingerprintKey]
  private let limits: GroupingLimits
  private let table: KindTable
  private var groups: [FindingGroup?] = []
  private var indexes: [String: Int] = [:]
  /// Findings of secrets beyond the limit: not kept.
  public private(set) var droppedFindings = 0
  private var liveGroups = 0

  /// - Parameters:
  ///   - key: the installation's fingerprint key.
  ///   - olderKeys: keys used before; incidents seen under them are recognised by their aliases.
  public init(
    key: FingerprintKey, olderKeys: [FingerprintKey] = [], limits: GroupingLimits = GroupingLimits(),
    table: KindTable = .builtin
  ) {
    keys = [key] + olderKeys
    self.limits = limits
    self.table = table
  }

  /// The incidents of `findings`, in the order in which their first finding came.
  public static func group(_ findings: [Finding], key: FingerprintKey, now: Date) -> [Incident] {
    var grouping = IncidentGrouping(key: key)
    for finding in findings { grouping.add(finding) }
    return grouping.incidents(now: now)
  }

  /// Takes one more finding.
  public mutating func add(_ finding: Finding) {
    let all = IncidentKey.all(of: finding, keys: keys)
    var joining = all.filter(\.namesOneSecret).map(\.rawValue)
    if joining.isEmpty {
      // Several rules of one scanner may match one value: the hash is the same at the same place.
      if let hash = finding.weakHashes.sha1 ?? finding.weakHashes.sha256,
        let location = finding.location
      {
        joining.append("w:\(hash):\(IncidentKey.place(of: location) ?? "")")
      } else {
        joining = all.map(\.rawValue)
      }
    }
    let found = Set(joining.compactMap { indexes[$0] }).sorted()
    // A value too many is left out loudly, like a secret too many: nobody would probe it.
    if let first = found.first, let print = all.lazy.compactMap(\.fingerprint).first,
      let group = groups[first], group.valueCount >= limits.valuesPerIncident, !group.holds(print)
    {
      droppedFindings += 1
      return
    }
    let index: Int
    if let first = found.first {
      index = first
      for other in found.dropFirst() { merge(other, into: index) }
    } else {
      guard liveGroups < limits.incidents else {
        droppedFindings += 1
        return
      }
      index = groups.count
      liveGroups += 1
      groups.append(FindingGroup(maximumPlaces: limits.occurrencesPerIncident))
    }
    groups[index]?.add(finding, keys: all)
    for key in joining { indexes[key] = index }
  }

  /// The incidents so far, in the order in which their first finding came.
  public func incidents(now: Date) -> [Incident] {
    var groups = self.groups
    joinPlaces(in: &groups)
    return groups.compactMap { $0?.incident(now: now, table: table) }
  }

  private mutating func merge(_ other: Int, into index: Int) {
    guard let moved = groups[other] else { return }
    groups[other] = nil
    liveGroups -= 1
    groups[index]?.join(moved)
    for (key, value) in indexes where value == other { indexes[key] = index }
  }

  /// A group without a value joins the group that names a secret at the same place, when there is exactly one.
  private func joinPlaces(in groups: inout [FindingGroup?]) {
    var named: [String: Set<Int>] = [:]
    for (index, group) in groups.enumerated() {
      guard let group, group.namesOneSecret else { continue }
      for place in group.placeKeys { named[place, default: []].insert(index) }
    }
    for (index, group) in groups.enumerated() {
      guard let group, !group.namesOneSecret else { continue }
      let candidates = group.placeKeys.reduce(into: Set<Int>()) { $0.formUnion(named[$1] ?? []) }
      guard candidates.count == 1, let target = candidates.first else { continue }
      groups[target]?.join(group)
      groups[index] = nil
    }
  }
}
