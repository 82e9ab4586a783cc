public import Incidents
public import JSON
public import Playbooks

extension KindKnowledge {
  /// As `staunch kinds --json` prints it (docs/JSON.md).
  ///
  /// - Parameter row: what scanners call it, and which provider of ours rotates it.
  public func json(_ row: KindRow?) -> JSONValue {
    [
      "kind": .string(kind.rawValue), "provider": .string(provider),
      "entry": row?.provider.map { .string($0) } ?? .null, "authority": .string(authority),
      "revoke": revoke.json, "issue": issue.json, "survives": .array(survives.map { .string($0) }),
      "propagation": .string(propagation), "usage": .string(usage), "self_verify": selfVerify.json,
      "self_revoke": selfRevoke.json,
      "danger": .object(
        Dictionary(
          uniqueKeysWithValues: Danger.Trait.allCases.map { trait in
            (trait.rawValue, danger.reasons[trait].map { .string($0) } ?? .null)
          })),
      "scanners": .array((row?.scannerWords ?? []).map { .string($0) }),
      "documentation": .array(
        documentation.map { ["address": .string($0.address), "read": .string($0.read)] }),
    ]
  }
}

extension KindKnowledge.Procedure {
  fileprivate var json: JSONValue {
    ["page": .string(page), "steps": .array(steps.map { .string($0) })]
  }
}

extension KindKnowledge.SelfService {
  fileprivate var json: JSONValue {
    switch self {
    case .verb(let provider, let verb):
      ["provider": .string(provider), "verb": .string(verb.rawValue), "not": .null]
    case .not(let reason): ["provider": .null, "verb": .null, "not": .string(reason)]
    }
  }
}
