/// What one probe of a credential showed.
///
/// A time-out, a 5xx, a 429 or a wrong signature is `unknown`, never `dead`.
public enum CredentialState: String, Sendable, Codable, Hashable {
  case alive, dead, unknown
}

/// One probe of a credential at its provider.
public struct CredentialProbe: Sendable, Codable, Hashable {
  public let state: CredentialState
  /// The provider's own word for it, for example `401 invalid_api_key` or `28P01`. Never a body or a header.
  public let code: String
  /// Dead, and the account takes another secret now, one that is known here: somebody has changed it. False where that cannot
  /// be seen.
  public let isReplaced: Bool
  /// Dead, and the account takes another secret now that nobody here knows. Whoever holds the leaked one could set it, so it
  /// may be theirs.
  public let isForeign: Bool
  /// The provider said no: dead, or unknown because nobody can see whether the value was compared.
  public let isRefused: Bool
  /// What the verdict stands on; nil where one question gave it.
  public let evidence: ProbeEvidence?

  /// - Parameter isRefused: nil: when it is dead.
  public init(
    _ state: CredentialState, code: String, isReplaced: Bool = false, isForeign: Bool = false,
    isRefused: Bool? = nil,
    evidence: ProbeEvidence? = nil
  ) {
    self.state = state
    self.code = code
    self.isReplaced = isReplaced
    self.isForeign = isForeign
    self.isRefused = isRefused ?? (state == .dead)
    self.evidence = evidence
  }

  /// The provider's own word alone, without what is known about it: `28P01`.
  public var word: String { String(code.prefix { $0 != "," && $0 != ":" }) }

  /// The verdict decides, not how often it was asked for.
  public static func == (one: CredentialProbe, other: CredentialProbe) -> Bool {
    one.state == other.state && one.code == other.code && one.isReplaced == other.isReplaced
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(state)
    hasher.combine(code)
    hasher.combine(isReplaced)
  }
}

/// What one verdict stands on: refusals on connections of their own, with logins that worked between them.
public struct ProbeEvidence: Sendable, Codable, Hashable {
  public let refusals: Int
  /// Control logins that were accepted before, between and after the refusals.
  public let controls: Int
  /// The addresses that were asked, each by itself; empty: the name alone.
  public let addresses: [String]

  public init(refusals: Int, controls: Int, addresses: [String] = []) {
    self.refusals = refusals
    self.controls = controls
    self.addresses = addresses
  }
}

extension CredentialProbe {
  /// What several values of one credential say together: dead only when each is, alive when any is, else unknown.
  public static func verdict(of probes: [CredentialProbe]) -> CredentialProbe {
    if let alive = probes.first(where: { $0.state == .alive }) { return alive }
    if let unknown = probes.first(where: { $0.state == .unknown }) { return unknown }
    return probes.first ?? CredentialProbe(.unknown, code: "no value to try")
  }

  /// What several places say of one value together: dead only when every one of them refuses it, alive when any accepts it,
  /// else unknown. No place at all is no verdict.
  public static func verdict(at places: [(place: String, probe: CredentialProbe)]) -> CredentialProbe {
    let isOne = places.count == 1
    let isRefused = places.allSatisfy(\.probe.isRefused)
    func named(_ found: (place: String, probe: CredentialProbe)) -> CredentialProbe {
      guard !isOne, !found.probe.code.contains(found.place) else { return found.probe }
      return CredentialProbe(
        found.probe.state, code: "\(found.probe.code) at \(found.place)", isRefused: isRefused,
        evidence: found.probe.evidence)
    }
    if let alive = places.first(where: { $0.probe.state == .alive }) { return named(alive) }
    if let unknown = places.first(where: { $0.probe.state == .unknown }) { return named(unknown) }
    guard let first = places.first else { return CredentialProbe(.unknown, code: "no place to ask") }
    return CredentialProbe(
      .dead, code: places.first(where: \.probe.isForeign)?.probe.code ?? first.probe.code,
      isReplaced: places.allSatisfy(\.probe.isReplaced), isForeign: places.contains(where: \.probe.isForeign),
      evidence: ProbeEvidence(
        refusals: places.reduce(0) { $0 + ($1.probe.evidence?.refusals ?? 1) },
        controls: places.reduce(0) { $0 + ($1.probe.evidence?.controls ?? 0) },
        addresses: places.flatMap { place in
          let own = place.probe.evidence?.addresses ?? []
          return own.isEmpty ? [place.place] : own
        }))
  }
}
