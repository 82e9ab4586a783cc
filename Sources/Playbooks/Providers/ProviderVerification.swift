public import Capabilities
import Foundation
public import JSON

/// The question whether a credential lives, and how its answer is read.
public struct ProviderVerification: Sendable {
  /// What an answer says of the credential.
  public enum Reading: String, Sendable {
    case alive
    /// The provider's own word that this credential has ended: it needs no comparison.
    case dead
    /// A refusal: a death only while another credential is accepted.
    case refused
    case unknown
  }

  public let call: ProviderCall
  public let alive: Expression
  public let dead: Expression?
  public let refused: Expression?
  public let code: Template?
  /// The runner's own credential is asked between refusals.
  public let isControlledByRunner: Bool
  /// Whose the credential is that `control` of an entry names; nil: the same account's.
  public let controlUser: Template?

  /// What `answer` says, with the provider's word for it.
  ///
  /// Never a verdict, whatever the file says: a redirect, a time-out, too many requests, a failing server. Two conditions
  /// that hold at once are none either.
  public func read(_ answer: ProviderAnswer, settings: [String: Value] = [:]) -> (
    reading: Reading, code: String
  ) {
    let scope = Scope(items: ["answer": answer.value, "settings": .record(settings)])
    let code = shown(answer, in: scope)
    switch answer.status {
    case 200...299, 400...407, 409...428, 430...499: break
    default: return (.unknown, code)
    }
    var readings: [Reading] = []
    do throws(EvaluationError) {
      if try alive.truth(in: scope) == true { readings.append(.alive) }
      if try dead?.truth(in: scope) == true { readings.append(.dead) }
      if try refused?.truth(in: scope) == true { readings.append(.refused) }
    } catch { return (.unknown, code + ", in a form that the provider file does not know") }
    guard let only = readings.first, readings.count == 1 else {
      return (.unknown, readings.isEmpty ? code : code + ", which the provider file reads in two ways")
    }
    return (only, code)
  }

  /// Status and word. A word is shown only where the file spells it: an answer may repeat what it was sent.
  private func shown(_ answer: ProviderAnswer, in scope: Scope) -> String {
    guard let code else { return "\(answer.status)" }
    do throws(EvaluationError) {
      guard let word = try code.value(in: scope).text, words.contains(word) else { return "\(answer.status)" }
      return "\(answer.status) \(word)"
    } catch { return "\(answer.status)" }
  }

  private var words: Set<String> {
    var words: Set<String> = []
    for expression in [alive, dead, refused].compactMap({ $0 }) { expression.root.collect(words: &words) }
    return words
  }
}

/// An answer of the API as expressions see it.
public struct ProviderAnswer: Sendable {
  public let status: Int
  /// Names in lower case.
  public let headers: [String: String]
  /// Null when it is empty or no JSON.
  public let body: JSONValue

  public init(status: Int, headers: [String: String] = [:], body: JSONValue) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public init(_ response: HTTPResponse) {
    // No JSON: a proxy answered, or there is nothing to read.
    self.init(
      status: response.status, headers: response.headers,
      body: (try? JSONValue(parsing: response.body)) ?? .null)
  }

  /// `status`, `headers`, `body`.
  public var value: Value {
    .record([
      "status": .integer(status), "headers": .record(headers.mapValues(Value.string)),
      "body": Self.plain(body),
    ])
  }

  /// Data as it is: unlike the journal's tagged values, what an API sends names no secret and no target.
  public static func plain(_ json: JSONValue) -> Value {
    switch json {
    case .null: .null
    case .boolean(let truth): .boolean(truth)
    case .integer(let number): .integer(number)
    case .number(let number): .string("\(number)")
    case .string(let text): .string(text)
    case .array(let elements): .list(elements.map(plain))
    case .object(let members): .record(members.mapValues(plain))
    }
  }
}

extension ExpressionNode {
  /// Every text that stands in it.
  fileprivate func collect(words found: inout Set<String>) {
    switch self {
    case .literal(.string(let text)): found.insert(text)
    case .literal, .reference: break
    case .not(let inner): inner.collect(words: &found)
    case .list(let elements), .call(_, let elements):
      for element in elements { element.collect(words: &found) }
    case .both(let left, let right), .either(let left, let right), .comparison(_, let left, let right),
      .membership(let left, in: let right):
      left.collect(words: &found)
      right.collect(words: &found)
    }
  }
}
