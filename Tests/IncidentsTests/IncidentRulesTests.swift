import Foundation
import Incidents
import Secrets
import Testing

@Suite struct IncidentRulesTests {
  static let now = IncidentGroupingTests.now

  private func incident(_ change: (inout Finding) -> Void = { _ in }) throws -> Incident {
    var finding = IncidentGroupingTests.finding("openai_api_key", value: "one value")
    change(&finding)
    return try #require(
      IncidentGrouping.group([finding], key: IncidentGroupingTests.key, now: Self.now).first)
  }

  @Test(
    arguments: [
      (nil, Validity.notChecked, false, 0.0, Recurrence.append), (0.0, .notChecked, true, -60, .ignore),
      (0, .notChecked, false, -60, .ignore), (0, .notChecked, false, 60, .reopen),
      (0, .active, true, -60, .reopen),
      (0, .inactive, false, 60, .reopen),
    ] as [(Double?, Validity, Bool, Double, Recurrence)])
  func aSecretThatComesBackReopensItsIncident(
    closed: Double?, validity: Validity, isKnown: Bool, committed: Double, expected: Recurrence
  ) throws {
    let incident = try incident { $0.committedAt = Self.now.addingTimeInterval(committed) }
    let occurrence = try #require(incident.occurrences.first)
    let decision = Recurrence.of(
      occurrence, validity: validity, closedAt: closed.map { Self.now.addingTimeInterval($0) },
      known: isKnown ? [occurrence.key] : [])
    #expect(decision == expected)
  }

  @Test(
    arguments: [
      (50, 100, 20, false), (51, 51, 0, true), (1, 101, 0, true), (1, 1, 21, true),
    ])
  func aStormHoldsDestructiveSteps(delivery: Int, tenMinutes: Int, rotations: Int, isHeld: Bool) {
    let load = StormBreaker.Load(
      newInDelivery: delivery, newInTenMinutes: tenMinutes, rotationsByProvider: ["openai": rotations])
    #expect((StormBreaker().decide(load) != .proceed) == isHeld)
  }

  @Test func aBatchIsToldOneByOneUpToTwentyFive() {
    #expect(BatchNotice.of(newIncidents: 25) == .each)
    #expect(BatchNotice.of(newIncidents: 10_000) == .summary(shown: 10, counted: 9_990))
    #expect(BatchNotice.mayTellAgain(after: nil))
    #expect(!BatchNotice.mayTellAgain(after: .seconds(899)))
    #expect(BatchNotice.mayTellAgain(after: .seconds(900)))
  }

  @Test func aWorkingSecretStartsAtOnceAndAnotherAfterAPause() throws {
    let last = Self.now.addingTimeInterval(10)
    let quiet = try incident()
    #expect(
      StartRule.of(quiet, firstFinding: Self.now, lastFinding: last) == .at(Self.now.addingTimeInterval(40)))
    let late = Self.now.addingTimeInterval(299)
    #expect(
      StartRule.of(quiet, firstFinding: Self.now, lastFinding: late) == .at(Self.now.addingTimeInterval(300)))
    let active = try incident { $0.validity = .active }
    #expect(StartRule.of(active, firstFinding: Self.now, lastFinding: last) == .now)
    let open = try incident { $0.exposure.isPubliclyLeaked = true }
    #expect(StartRule.of(open, firstFinding: Self.now, lastFinding: last) == .now)
    let critical = try incident { $0.kind = "vault_token" }
    #expect(StartRule.of(critical, firstFinding: Self.now, lastFinding: last) == .now)
    for validity in [Validity.canary, .inactive] {
      let still = try incident { $0.validity = validity }
      #expect(StartRule.of(still, firstFinding: Self.now, lastFinding: last) == .notByItself)
    }
  }

  @Test func aStrongerKeyMergesWhatWasKnownApart() throws {
    let id = "AK" + "IA2222333344445555"
    let pair = try incident {
      $0.kind = "aws_access_key"
      $0.handle = id
    }
    let fingerprint = try #require(pair.aliases.first)
    let known: [IncidentKey: IncidentID] = [
      pair.key: "inc-b", fingerprint: "inc-a", IncidentKey(rawValue: "s:x"): "inc-c",
    ]
    let older: (IncidentID, IncidentID) -> Bool = { $0 < $1 }
    #expect(
      IncidentMatching.of(pair, known: known, isOlder: older) == .merge(into: "inc-a", others: ["inc-b"]))
    #expect(IncidentMatching.of(pair, known: [pair.key: "inc-b"], isOlder: older) == .known("inc-b"))
    #expect(IncidentMatching.of(pair, known: [:], isOlder: older) == .new)
  }

  @Test func aPlaceJoinsOnlyWhatWasOpenedWithoutAValue() throws {
    let read = try incident()
    let older: (IncidentID, IncidentID) -> Bool = { $0 < $1 }
    let place = IncidentKey(rawValue: "l:acme/app:a.py:1:generic_api_key")
    #expect(IncidentMatching.of(read, known: [place: "inc-a"], isOlder: older) == .known("inc-a"))
    let other = IncidentKey(rawValue: "s:s1:00:11")
    #expect(IncidentMatching.of(read, known: [place: "inc-a", other: "inc-a"], isOlder: older) == .new)
  }
}

extension IncidentMatching {
  /// As ``of(_:known:isOlder:)``, from a table.
  fileprivate static func of(
    _ incident: Incident, known table: [IncidentKey: IncidentID], isOlder: (IncidentID, IncidentID) -> Bool
  ) -> IncidentMatching {
    var known = KnownKeys()
    for (key, id) in table { known.add(key, of: id) }
    return of(incident, known: known, isOlder: isOlder)
  }
}
