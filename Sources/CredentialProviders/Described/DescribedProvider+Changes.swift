public import Capabilities
public import Foundation
import Incidents
import JSON
import Playbooks
import RESTClient
public import Secrets

// What changes something: each call is sent once; after a lost reply the state is asked for, and nothing is repeated blindly.
extension DescribedProvider {
  public func generate() throws(CapabilityError) -> Secret? {
    guard let issue = description.issue, issue.way == .generated else { return nil }
    return Secret(RandomText.alphanumeric(count: issue.length, environment.randomBytes))
  }

  public var handOverPlace: String? {
    guard description.issue == nil else { return nil }
    return settings.replacement.hasPrefix("prompt") ? "the terminal" : settings.replacement
  }

  public func handedOver() async throws(CapabilityError) -> IssuedCredential {
    guard description.issue == nil else {
      throw CapabilityError(
        .unsupported, "take what a person issued", because: "\(description.kind) issues by itself")
    }
    let reference = try SecretReference(settings.replacement)
    do throws(CapabilityError) {
      let secret = try await environment.sources.resolve(settings.replacement)
      return IssuedCredential(ref: CredentialRef(settings.replacementID), secret: secret)
    } catch  where error.class == .notFound {
      throw CapabilityError(
        .awaitsPerson, "issue \(settings.name)",
        because: "a person issues it, and the new value is not there yet: \(error.because)",
        fix: "make a new one \(place), then \(reference.fix)")
    }
  }

  /// - Throws: `.conflict` where the leaked one is to turn itself into a new one and lives no more: then nothing was sent.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let issue = description.issue else { return try await handedOver() }
    let operation = shown(issue.call)
    let old = order.replacing?.value
    var names: Names = ["marker": .string(order.marker)]
    if let account { names["ref"] = .string(account.rawValue) }
    if issue.way == .rotated, let leak = order.replacing {
      let leaked = try leak.requireValue(to: operation)
      guard try await verify(leaked, ref: nil).state == .alive else {
        throw CapabilityError(
          .conflict, operation,
          because: "the leaked credential does not live any more, and only a living one turns into a new one",
          fix: "make another one \(place), and put it into the store")
      }
      if names["ref"] == nil { names["ref"] = .string(try await identify(leak).identity.rawValue) }
    }
    let request = try await request(issue.call, names, leaked: old, fresh: order.generated)
    let response = try await environment.http.send(request, under: authority)
    if let failure = failure(of: response, operation, changes: true) { throw failure }
    let answer: Names = ["answer": ProviderAnswer(response).value]
    // What was done and cannot be read is settled by the state, never by another try.
    let lost = CapabilityError(
      .unknownOutcome, operation, because: "it was done, but the answer has no new credential")
    let id = issue.id.flatMap { text($0, answer) } ?? names["ref"]?.text
    guard let id else { throw lost }
    let ref = try Self.ref(id, operation)
    guard let take = issue.take else {
      guard let generated = order.generated else { throw lost }
      return IssuedCredential(ref: ref, secret: generated)
    }
    guard let value = try value(take, answer).text, !value.isEmpty else { throw lost }
    return IssuedCredential(ref: ref, secret: Secret(value))
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    guard let issue = description.issue, let list = description.list else { return [] }
    switch issue.way {
    case .named: return try await elements(of: list).filter { $0.name == marker }.map(\.ref)
    case .unnamed: return try await elements(of: list).map(\.ref).filter { !before.contains($0) }
    case .rotated, .generated: return []
    }
  }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    // The same id has a new value: the leaked one is gone with it, unless somebody has set it again.
    let isSetAnew = [.generated, .rotated].contains(description.issue?.way)
    if isSetAnew, replacedBy == ref, let leaked = leak.value {
      guard try await verify(leaked, ref: ref).state == .alive else { return }
      throw CapabilityError(
        .conflict, "disable \(ref)", because: "the leaked value works although another one was set",
        fix: "see \(place) who set it, then: staunch resume")
    }
    guard let disable = description.disable else {
      // A person may have done it already.
      if let leaked = leak.value, try await verify(leaked, ref: ref).state == .dead { return }
      throw CapabilityError(
        .unsupported, "disable \(settings.name)", because: "the API has no call for it",
        fix: "revoke the leaked one \(place), then: staunch resume")
    }
    for value in leak.values.isEmpty ? [nil] : leak.values.map({ Optional($0) }) {
      try await stop(disable, ref, value, under: authority)
      // Its id stops all of it at once.
      if !disable.call.needsSecret { return }
    }
  }

  private func stop(
    _ disable: ProviderChange, _ ref: CredentialRef, _ leaked: Secret?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    do throws(CapabilityError) { try await change(disable, ref, leaked: leaked, under: authority) } catch {
      // A lost reply, or a credential that no longer counts as its own authority: the state says what became of it.
      let isOwnRefusal = error.class == .refused && disable.call.presenter == .leaked
      guard let leaked, error.class == .unknownOutcome || isOwnRefusal,
        try await verify(leaked, ref: ref).state == .dead
      else { throw error }
    }
  }

  /// Sent once. - Throws: `.unknownOutcome` also where a 2xx does not say that it was done.
  private func change(
    _ change: ProviderChange, _ ref: CredentialRef, leaked: Secret?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = shown(change.call)
    let fresh = Secret(RandomText.alphanumeric(count: 40, environment.randomBytes))
    let request = try await request(change.call, ["ref": .string(ref.rawValue)], leaked: leaked, fresh: fresh)
    let response = try await environment.http.send(request, under: authority)
    let answer: Names = ["answer": ProviderAnswer(response).value]
    let isGone = change.gone == nil ? response.status == 404 : try truth(change.gone, answer) == true
    if isGone {
      // No such id is no death: it may be another account's.
      guard let leaked, try await verify(leaked, ref: ref).state == .alive else { return }
      throw CapabilityError(
        .notFound, operation,
        because: "the API knows no \(ref), and the leaked value works (HTTP \(response.status))",
        fix: "correct id in staunch.yaml, then: staunch resume")
    }
    if let failure = failure(of: response, operation, changes: true) { throw failure }
    guard change.done == nil ? true : try truth(change.done, answer) == true else {
      throw CapabilityError(
        .unknownOutcome, operation,
        because: "the answer does not say that it was done (HTTP \(response.status))",
        fix: "see \(place), then: staunch resume")
    }
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    guard let sessions = description.sessions else {
      throw CapabilityError(
        .unsupported, "end sessions of \(settings.name)", because: "the API has no call for it",
        fix: "what survives: \(description.survives); end it \(place) if there is any")
    }
    let names: Names = ["ref": .string(ref.rawValue)]
    let found = Set(try await elements(of: sessions.count, names, countsOnly: true).map(\.ref))
    guard !found.isEmpty else { return SessionCount(found: 0, ended: 0, left: 0) }
    try await change(sessions.end, ref, leaked: nil, under: authority)
    // Those that have come since then are of the value that counts now: a program that came back at once is no survivor.
    let left = try await elements(of: sessions.count, names, countsOnly: true).count {
      found.contains($0.ref)
    }
    return SessionCount(found: found.count, ended: found.count - left, left: left)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard let delete = description.delete else {
      throw CapabilityError(
        .unsupported, "delete \(ref)", because: "the API has no call for it", fix: "delete it \(place)")
    }
    try await change(delete, ref, leaked: nil, under: authority)
  }
}
