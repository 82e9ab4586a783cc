public import Capabilities
public import Playbooks

/// docs/PROVIDERS.md: what each provider, store and consumer can do, what it needs and what it leaves alive.
///
/// What a kind declares is held against the kind itself where that can be seen: what it says that it cannot do, it must refuse.
public enum ProviderTable {
  public enum Section: String, CaseIterable, Sendable {
    case code = "## Providers in code"
    case files = "## Providers that a file describes"
    case stores = "## Stores"
    case consumers = "## Consumers"
  }

  private static let verbs = [
    "kind", "identify", "verify", "reach", "abuse", "issue", "disable", "sessions", "successors", "delete",
    "undo", "tested", "least privilege", "propagation", "what survives",
  ]

  private static func table(_ section: Section) -> DocumentTable {
    let columns =
      switch section {
      case .code, .files: verbs
      case .stores:
        [
          "kind", "read", "several at once", "versions and undo", "tested", "least privilege",
          "what survives",
        ]
      case .consumers: ["kind", "names what has not moved", "tested", "least privilege", "what survives"]
      }
    return DocumentTable(path: "docs/PROVIDERS.md", section: section.rawValue, columns: columns)
  }

  /// The kinds that have a row.
  public static func kinds(_ section: Section) throws -> Set<String> { try table(section).names() }

  private static func mark(_ isSo: Bool) -> String { isSo ? "✓" : "–" }

  // MARK: providers in code

  /// A provider without a profile has no row: simulators, and what files describe.
  public static func check(_ fixture: any ContractFixture.Type) async throws {
    let it = try await fixture.make()
    let type = Swift.type(of: it.provider)
    guard let profile = type.profile else { return }
    try await checkAbilities(profile, it)
    try require(
      profile.world == world(of: fixture.against),
      "\(type.kind) is tested against \(fixture.against), and its profile says \(profile.world.rawValue)")
    try require(
      profile.measured == nil || profile.world == .real, "\(type.kind): an imitation measures no propagation")
    let able = it.provider.capabilities
    let can = profile.abilities
    let declared = type.settings.first { $0.key == "propagation_seconds" }?.summary
    let seconds = declared?.split(separator: " ").dropLast(2).last.map(String.init)
    guard let seconds, Int(seconds) != nil else {
      throw ContractViolation("\(type.kind) does not declare its propagation time")
    }
    let row = DocumentTable.row([
      "`\(type.kind)`", it.leak.handle == nil ? "value" : "value, id", "✓", mark(can.contains(.reach)),
      profile.abuse ?? "–", able.issuing.rawValue, able.disable.rawValue, able.sessions.rawValue,
      mark(can.contains(.successors)), mark(can.contains(.delete)), undo(able, can.contains(.delete)),
      tested(profile), profile.privilege,
      "\(seconds) s" + (profile.measured.map { "; measured: \($0)" } ?? ""), profile.survives,
    ])
    try table(.code).check(row)
  }

  /// What a provider says that it cannot do.
  private static func checkAbilities(_ profile: AdapterProfile, _ it: any ContractFixture) async throws {
    let provider = it.provider
    let kind = Swift.type(of: provider).kind
    let ref = try await provider.identify(it.leak).identity
    if !profile.abilities.contains(.reach) {
      try require(try await provider.reach(ref) == .unknown, "\(kind) tells a reach: declare it")
    }
    if !profile.abilities.contains(.successors) {
      try require(
        try await provider.successors(ref, since: nil) == .unknown, "\(kind) tells successors: declare it")
    }
    if profile.abuse == nil {
      let report = try await provider.searchAbuse(ref, since: nil)
      try require(
        report.seen == nil && report.covered == nil, "\(kind) searches for abuse: say what it searches")
    }
    if !profile.abilities.contains(.delete) {
      let refusal = await ContractCheck.error { try await provider.delete(ref, under: .forTests()) }
      try require(refusal?.class == .unsupported, "\(kind) deletes: declare it")
    }
  }

  private static func world(of against: String) -> AdapterProfile.World {
    switch against {
    case "a real server": .real
    case "an emulator", "an emulator, and a real server behind it": .emulator
    default: .simulator
    }
  }

  private static func tested(_ profile: AdapterProfile) -> String {
    profile.world.rawValue + (profile.note.map { "; \($0)" } ?? "")
  }

  /// What of a run can be taken back.
  private static func undo(_ able: ProviderCapabilities, _ canDelete: Bool) -> String {
    var found: [String] = []
    switch able.issuing {
    case .generated, .named, .unnamed: if canDelete { found.append("issue") }
    case .leased: found.append("issue")
    case .rotated, .slot, .human: break
    }
    if able.disable == .reversible { found.append("disable") }
    return found.isEmpty ? "–" : found.joined(separator: ", ")
  }

  // MARK: providers that a file describes

  /// - Parameter able: what the port says of it.
  public static func check(_ file: ProviderDescription, _ able: ProviderCapabilities) throws {
    let identity =
      switch file.identity {
      case .entry, .setting: "entry"
      case .answer, .part, .hint: file.list == nil ? "value" : "value, id"
      }
    let row = DocumentTable.row([
      "`\(file.kind)`", identity, "✓", mark(file.reach != nil), "–", able.issuing.rawValue,
      able.disable.rawValue, able.sessions.rawValue, mark(file.successors != nil), mark(file.delete != nil),
      undo(able, file.delete != nil), AdapterProfile.World.recorded.rawValue, file.privilege,
      "\(file.propagation.components.seconds) s", file.survives,
    ])
    try table(.files).check(row)
  }

  // MARK: stores and consumers

  /// - Throws: ``ContractViolation`` also when its kind declares no profile.
  public static func check(_ store: any SecretStore) throws {
    let type = Swift.type(of: store)
    let profile = try Self.profile(of: type)
    let row = DocumentTable.row([
      "`\(type.kind)`", mark(store.canBeRead), mark(store.takesSeveralEntries),
      mark(store is any VersionedStore), tested(profile), profile.privilege, profile.survives,
    ])
    try table(.stores).check(row)
  }

  /// - Throws: ``ContractViolation`` also when it declares no profile.
  public static func check(_ consumer: any Consumer.Type) throws {
    let profile = try Self.profile(of: consumer)
    let can = profile.abilities
    let row = DocumentTable.row([
      "`\(consumer.kind)`", can.contains(.holdings) ? "by value" : can.contains(.older) ? "by age" : "–",
      tested(profile), profile.privilege, profile.survives,
    ])
    try table(.consumers).check(row)
  }

  private static func profile(of type: any Adapter.Type) throws -> AdapterProfile {
    guard let profile = type.profile else {
      throw ContractViolation("\(type.kind) declares no profile: see AdapterProfile")
    }
    return profile
  }
}
