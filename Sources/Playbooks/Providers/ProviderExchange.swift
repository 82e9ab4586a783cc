import Capabilities
import JSON

/// Recorded exchanges of one provider: what its API was asked and what it answered, beside the provider file as test data.
///
/// `providers/tests/slack.yaml` is of `providers/slack.yaml`. Secrets in it are made up.
public struct ProviderExchange: Sendable {
  public enum Verb: String, Sendable, CaseIterable {
    case verify, identify, list, inspect, rights, issue, disable, delete, sessions, successors, reach, token
  }

  public struct Case: Sendable {
    public let verb: Verb
    /// What ``ProviderVerification`` must read; nil for the other verbs.
    public let verdict: ProviderVerification.Reading?
    /// `GET /v1/me`.
    public let asks: String
    public let answer: ProviderAnswer
    /// The public id that it gives.
    public let id: String?
    public let position: SourcePosition
  }

  public let provider: String
  /// The page that it was written from, or how it was recorded.
  public let source: String
  public let settings: [String: String]
  /// The shape of a leaked value.
  public let secret: String
  public let cases: [Case]
  public let position: SourcePosition

  /// - Throws: everything that is wrong with it.
  public static func load(source: String, file: String) throws(PlaybookError) -> ProviderExchange {
    var decoder = ExchangeDecoder()
    let exchange = decoder.exchange(try YAMLReader.read(source, file: file))
    guard let exchange, decoder.diagnostics.isEmpty else { throw PlaybookError(decoder.diagnostics) }
    return exchange
  }

  /// What it says otherwise than the provider file, and which verdict it does not show.
  public func problems(with description: ProviderDescription) -> [Diagnostic] {
    var found: [Diagnostic] = []
    if provider != description.kind {
      found.append(
        Diagnostic(
          .otherVerdict, at: position,
          "these exchanges are of \"\(provider)\", not of \"\(description.kind)\""))
    }
    let values = settings.mapValues(Value.string)
    var shown: Set<ProviderVerification.Reading> = []
    for item in cases where item.verb == .verify {
      let read = description.verify.read(item.answer, settings: values).reading
      shown.insert(read)
      if read != item.verdict {
        found.append(
          Diagnostic(
            .otherVerdict, at: item.position,
            "the answer is recorded as \(item.verdict?.rawValue ?? "nothing"), and the provider file reads it as \(read.rawValue)",
            suggestion: "correct verify: in \(description.file), or the exchange"))
      }
    }
    let missing = [
      shown.contains(.alive) ? nil : "alive",
      shown.contains(.dead) || shown.contains(.refused) ? nil : "dead or refused",
      shown.contains(.unknown) ? nil : "unknown",
    ].compactMap { $0 }
    if !missing.isEmpty {
      found.append(
        Diagnostic(
          .missingExchange, at: position, "no exchange shows \(missing.joined(separator: ", "))",
          suggestion: "record one, or write it from the documentation"))
    }
    return found
  }
}

private struct ExchangeDecoder: ShapeDecoding {
  var diagnostics: [Diagnostic] = []

  mutating func exchange(_ root: YAMLNode) -> ProviderExchange? {
    guard let members = members(of: root, as: .exchange) else { return nil }
    let cases = (members["cases"].flatMap { list($0, of: "cases") } ?? []).compactMap { item($0) }
    var settings: [String: String] = [:]
    for member in members["settings"]?.members ?? [] {
      settings[member.key] = text(member.value, of: member.key)
    }
    return ProviderExchange(
      provider: identifier(members["provider"], of: "provider") ?? "",
      source: text(members["source"], of: "source") ?? "", settings: settings,
      secret: text(members["secret"], of: "secret") ?? "made-up-secret-0123456789", cases: cases,
      position: root.position)
  }

  private mutating func item(_ node: YAMLNode) -> ProviderExchange.Case? {
    guard let members = members(of: node, as: .exchangeCase),
      let answer = members["answer"].flatMap({ self.answer($0) }),
      let asks = text(members["asks"], of: "asks")
    else { return nil }
    let verb = word(members["verb"], of: "verb", ProviderExchange.Verb.self, default: .verify)
    let verdict = text(members["verdict"], of: "verdict").flatMap {
      ProviderVerification.Reading(rawValue: $0)
    }
    if verb == .verify, verdict == nil {
      report(
        .missingKey, node.position, "an exchange of verify needs its \"verdict\"",
        "alive, dead, refused or unknown")
    }
    return ProviderExchange.Case(
      verb: verb, verdict: verdict, asks: asks, answer: answer, id: text(members["id"], of: "id"),
      position: node.position)
  }

  private mutating func answer(_ node: YAMLNode) -> ProviderAnswer? {
    guard let members = members(of: node, as: .exchangeAnswer),
      let status = integer(members["status"], of: "status", atLeast: 100)
    else { return nil }
    var headers: [String: String] = [:]
    for member in members["headers"]?.members ?? [] {
      headers[member.key] = text(member.value, of: member.key)
    }
    return ProviderAnswer(status: status, headers: headers, body: members["body"].map(Self.json) ?? .null)
  }

  private static func json(_ node: YAMLNode) -> JSONValue {
    switch node.content {
    case .null: .null
    case .boolean(let truth): .boolean(truth)
    case .integer(let number): .integer(number)
    case .number(let text), .string(let text): .string(text)
    case .sequence(let elements): .array(elements.map(json))
    case .mapping(let members):
      .object(Dictionary(members.map { ($0.key, json($0.value)) }) { first, _ in first })
    }
  }
}
