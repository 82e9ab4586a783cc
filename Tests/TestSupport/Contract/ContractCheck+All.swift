public import Capabilities
import Foundation
import Incidents
import Secrets

extension ContractCheck {
  /// Every promise, in the order of the table.
  public static let all: [ContractCheck] = [
    ContractCheck("identity by value") { it in
      let subject = try await it.provider.identify(it.leak)
      try require(!subject.refs.isEmpty, "a subject without a place")
      let again = try await it.provider.subject(subject.identity)
      try require(
        again.refs == subject.refs, "identify found \(subject.refs), and its identity leads to \(again.refs)")
      let stranger = Leak(Secret("nobodys-value-\(UUID().uuidString)"))
      let refusal = await error { _ = try await it.provider.identify(stranger) }
      try require(
        refusal?.class == .notFound, "a stranger's value gives \(String(describing: refusal?.class))")
    },
    ContractCheck(
      "identity by id",
      exempt: { $0.leak.handle == nil ? "its public id is in no report" : nil }
    ) { it in
      let known = try await it.provider.subject(of: it.leak)
      let named = try await it.provider.subject(of: Leak(handle: it.leak.handle))
      try require(named == known, "by its value \(known), by its id \(named)")
      let refusal = await error { _ = try await it.provider.subject(of: Leak(handle: "no-such-id")) }
      try require(refusal?.class == .notFound, "a strange id gives \(String(describing: refusal?.class))")
    },
    ContractCheck("replaced, then stopped") { it in
      let subject = try await it.provider.identify(it.leak)
      let leaked = try leaked(it)
      try require(try await state(it, leaked) == .alive, "the living credential is not alive")
      let issued = try await replace(it)
      try require(!issued.secret.isSame(as: leaked), "the replacement is the leaked value")
      try await it.provider.disable(subject, leak: it.leak, replacedBy: issued.ref, under: .forTests())
        .checkOrGone()
      it.pass(it.provider.capabilities.propagation)
      try require(try await state(it, leaked) == .dead, "the old one is not dead")
      try require(try await state(it, issued.secret, issued.ref) == .alive, "the new one is not alive")
      // Repeating is safe.
      try await it.provider.disable(subject, leak: it.leak, replacedBy: issued.ref, under: .forTests())
        .checkOrGone()
      try require(try await state(it, issued.secret, issued.ref) == .alive, "a repeat killed the new one")
    },
    ContractCheck(
      "stopped first",
      exempt: { $0.provider.capabilities.disable == .none ? "its provider cannot stop it" : nil }
    ) { it in
      let subject = try await it.provider.identify(it.leak)
      try await it.provider.disable(subject, leak: it.leak, replacedBy: nil, under: .forTests())
        .check("disable")
      it.pass(it.provider.capabilities.propagation)
      try require(try await state(it, leaked(it)) == .dead, "it is not dead")
    },
    ContractCheck("every field or none") { it in
      let material = try await replace(it).material
      try require(material.shape == it.provider.shape, "it issues another shape than it says")
      for field in material.shape.fields {
        try require(material[field.name]?.isEmpty == false, "\(field.name) is missing")
      }
      try require(!material.oneText.isEmpty, "it has no text for a store")
      guard material.shape.isSingle || material.shape.oneText != .primary else { return }
      let read = Material(reading: material.oneText, as: material.shape)
      try require(read?.primary.isSame(as: material.primary) == true, "its one text does not read back")
    },
    ContractCheck("made before the call", exempt: issuing(.generated)) { it in
      guard let one = try it.provider.generate(), let other = try it.provider.generate() else {
        throw ContractViolation("it generates and makes nothing")
      }
      try require(!one.isSame(as: other), "two generated values are the same")
      try require(one.exposeAsBytes().count >= 32, "a generated value is short")
    },
    ContractCheck(
      "lost reply",
      exempt: { it in
        it.provider.capabilities.issuing == .human
          ? "a person issues it" : it.loseNextReply() ? nil : "its world loses none"
      }
    ) { it in try await loseReply(it) },
    ContractCheck("429", exempt: { $0.refuseNextCall() ? nil : "its world refuses none" }) { it in
      _ = it.refuseNextCall()
      let probe = try await it.provider.verify(leaked(it), ref: nil)
      try require(probe.state != .dead, "429 is called dead")
    },
    ContractCheck(
      "old answers",
      exempt: { $0.answerOldThings(takingTurns: false) == nil ? "its world gives none" : nil }
    ) { it in try await neverDeadTooEarly(it, takingTurns: false) },
    ContractCheck(
      "401 and 200 in turn",
      exempt: { $0.answerOldThings(takingTurns: true) == nil ? "its world takes no turns" : nil }
    ) { it in try await neverDeadTooEarly(it, takingTurns: true) },
    ContractCheck("a place out of reach", exempt: { $0.breakOnePlace() ? nil : "it has one place" }) { it in
      let subject = try await it.provider.identify(it.leak)
      _ = it.breakOnePlace()
      let results = try await it.provider.disable(
        subject, leak: it.leak, replacedBy: nil, under: .forTests())
      try require(results.contains { $0.problem != nil }, "a place was out of reach, and nobody says so")
      try require(
        results.contains { $0.problem == nil }, "one place out of reach kept all from being stopped")
      it.pass(it.provider.capabilities.propagation)
      try require(try await state(it, leaked(it)) != .dead, "it is called dead while a place was not asked")
      it.mend()
      try require(try await state(it, leaked(it)) == .alive, "the place that was missed accepts it")
      try await it.provider.disable(subject, leak: it.leak, replacedBy: nil, under: .forTests()).check(
        "disable")
      it.pass(it.provider.capabilities.propagation)
      try require(try await state(it, leaked(it)) == .dead, "it is not dead at last")
    },
    ContractCheck(
      "no room",
      exempt: { it in
        guard [.named, .unnamed].contains(it.provider.capabilities.issuing) else { return "nothing is added" }
        return try await it.provider.slots() == nil ? "there is no limit" : nil
      }
    ) { it in
      guard var slots = try await it.provider.slots() else { return }
      while slots.hasRoom {
        _ = try await replace(it, "staunch-contract-\(slots.taken.count)")
        slots = try await it.provider.slots() ?? slots
      }
      let before = try await it.provider.existing().count
      let refusal = await error { _ = try await replace(it, "staunch-contract-full") }
      try require(refusal?.class == .conflict, "one too many gives \(String(describing: refusal?.class))")
      try require(try await it.provider.existing().count == before, "one too many was made")
    },
    ContractCheck("from a person", exempt: issuing(.human)) { it in
      try require(it.provider.handOverPlace != nil, "nobody knows where the person puts it")
      try await it.handOver()
      let issued = try await it.provider.handedOver()
      try require(
        try await state(it, issued.secret, issued.ref) == .alive, "what was handed over is not alive")
    },
    ContractCheck(
      "lease ends by itself",
      exempt: { it in
        guard it.provider.capabilities.issuing == .leased else { return "it leases nothing" }
        return it.canPassADay ? nil : "its world's clock cannot be set"
      }
    ) { it in
      let issued = try await replace(it)
      try require(issued.material.expiry != nil, "nobody knows when it ends")
      it.pass(.seconds(86_400))
      try require(try await state(it, issued.secret, issued.ref) == .dead, "it did not end")
    },
    ContractCheck("no secret is told") { it in
      let subject = try await it.provider.identify(it.leak)
      let redactor = Redactor()
      for value in it.leak.values { redactor.register(value) }
      let since = Date(timeIntervalSince1970: 1_780_000_000)
      var text = "\(subject) \(it.provider.lock) "
      text += "\(try await it.provider.inspect(subject.identity).facts) "
      text += "\(try await it.provider.searchAbuse(subject.identity, since: since)) "
      text += "\(try await it.provider.reach(subject.identity)) "
      text += "\(try await it.provider.successors(subject.identity, since: since))"
      try require(!redactor.finds(in: Array(text.utf8)), "a secret stands in what it tells")
    },
    ContractCheck("settings") { it in
      let adapter = Swift.type(of: it.provider)
      try require(
        Set(adapter.settings.map(\.key)).count == adapter.settings.count, "a setting is declared twice")
      try require(!adapter.summary.isEmpty, "it has no summary")
      for setting in adapter.settings where setting.isRequired {
        let refusal = await error {
          _ = try adapter.init(
            TargetConfiguration(name: "it", kind: adapter.kind, settings: [:], position: "staunch.yaml:1:1"),
            in: .forTests())
        }
        try require(refusal?.class == .configuration, "it does without \(setting.key)")
      }
    },
  ]

  /// The reply of issuing is lost: what the step protocol asks of the port then has to find out.
  private static func loseReply(_ it: any ContractFixture) async throws {
    let provider = it.provider
    let before = try await provider.existing()
    let pending = try provider.generate()
    _ = it.loseNextReply()
    let lost = await error {
      _ = try await provider.issue(
        IssueOrder(marker: "staunch-contract-lost", generated: pending, replacing: it.leak),
        under: .forTests())
    }
    try require(lost?.class == .unknownOutcome, "a lost reply is \(String(describing: lost?.class))")
    switch provider.capabilities.issuing {
    case .generated:
      guard let pending else { throw ContractViolation("no value was made before the call") }
      let state = try await state(it, pending)
      try require(state != .unknown, "nobody can tell whether it was set")
      let issued = try await provider.issue(
        IssueOrder(marker: "staunch-contract-lost", generated: pending, replacing: it.leak),
        under: .forTests())
      try require(try await Self.state(it, issued.secret, issued.ref) == .alive, "set again, it is not alive")
    case .named, .unnamed:
      let orphans = try await provider.issued(marker: "staunch-contract-lost", before: before)
        .filter { !before.contains($0) }
      try require(orphans.count == 1, "\(orphans.count) orphans are found of one")
      for orphan in orphans { try await provider.delete(orphan, under: .forTests()) }
      try require(Set(try await provider.existing()) == Set(before), "the orphan is still there")
    case .rotated:
      it.pass(provider.capabilities.propagation)
      try require(
        try await state(it, leaked(it)) == .dead, "the call was carried out, and the old one is not dead")
    case .slot:
      let issued = try await replace(it, "staunch-contract-again")
      try require(try await state(it, issued.secret, issued.ref) == .alive, "set again, it is not alive")
    case .leased:
      let issued = try await replace(it, "staunch-contract-again")
      try require(try await state(it, issued.secret, issued.ref) == .alive, "drawn again, it is not alive")
    case .human: break
    }
  }

  /// While a node may still accept it, no verdict is dead; when the time is over, it is.
  private static func neverDeadTooEarly(_ it: any ContractFixture, takingTurns: Bool) async throws {
    guard let time = it.answerOldThings(takingTurns: takingTurns) else { return }
    let subject = try await it.provider.identify(it.leak)
    try await it.provider.disable(subject, leak: it.leak, replacedBy: nil, under: .forTests()).check(
      "disable")
    for _ in 0..<5 {
      try require(try await state(it, leaked(it)) != .dead, "it is called dead while nodes accept it")
    }
    it.pass(time)
    try require(try await state(it, leaked(it)) == .dead, "it is not dead when the time is over")
  }
}

extension [RefResult] {
  /// What the provider no longer knows was stopped by issuing already.
  fileprivate func checkOrGone() throws {
    for result in self {
      if let problem = result.problem, problem.class != .notFound { throw problem }
    }
  }
}
