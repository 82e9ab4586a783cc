import ConsolePages
import Foundation
import HummingbirdCore
import Inbox
import JSON

/// The query of an API call, strictly: what is not described, or not of its type, is refused with its name.
struct APIQuery {
  private let fields: FormFields?

  init(_ fields: FormFields?, of operation: APIOperation) throws(Refusal) {
    let known = operation.queryNames
    guard fields?.names.allSatisfy({ known.contains($0) }) ?? true else {
      throw .malformed("the query has a name that is not described")
    }
    self.fields = fields
  }

  func flag(_ name: String) throws(Refusal) -> Bool {
    switch fields?[name] {
    case nil, "false": return false
    case "true": return true
    default: throw .malformed("\(name) is neither true nor false")
    }
  }

  /// Decimal digits, without a sign.
  func number(_ name: String, _ range: ClosedRange<Int>, default usual: Int) throws(Refusal) -> Int {
    guard let text = fields?[name] else { return usual }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number)
    else { throw .malformed("\(name) is no number from \(range.lowerBound) to \(range.upperBound)") }
    return number
  }

  func text(_ name: String) throws(Refusal) -> String? {
    guard let text = fields?[name] else { return nil }
    guard text.unicodeScalars.count <= 200 else { throw .malformed("\(name) is longer than 200 characters") }
    return text
  }

  /// Letters, digits, `-` and `_`: what a cursor can be.
  func cursor(_ name: String) throws(Refusal) -> String? {
    guard let text = fields?[name] else { return nil }
    guard text.wholeMatch(of: /[A-Za-z0-9_-]{1,2000}/) != nil else {
      throw .malformed("\(name) is no cursor")
    }
    return text
  }

  /// One of a few words; nil when it is not given.
  func choice<Value>(_ name: String, _ read: (String) -> Value?) throws(Refusal) -> Value? {
    guard let text = fields?[name] else { return nil }
    guard let value = read(text) else { throw .malformed("\(name) is none of its words") }
    return value
  }
}

extension Console {
  /// Which incidents, in pieces: `next` of one is `after` of the following.
  func list(_ query: APIQuery) throws -> Response {
    var chosen = IncidentQuery()
    chosen.states = try query.choice("state") { IncidentQuery.State(word: $0) }.map { [$0] } ?? []
    chosen.severities =
      try query.choice("severity") { ["sev1", "sev2", "sev3", "sev4"].firstIndex(of: $0) }.map { [$0 + 1] }
      ?? []
    chosen.kind = try query.text("kind")
    chosen.isAlive = try query.flag("alive")
    chosen.asks = try query.flag("asks")
    chosen.assigned = try query.text("assigned")
    chosen.text = try query.text("q") ?? ""
    chosen.order = try query.choice("sort") { IncidentQuery.Order(rawValue: $0) } ?? .urgency
    var after: IncidentCursor?
    if let text = try query.cursor("after") {
      guard let cursor = IncidentCursor(text: text), cursor.order == chosen.order else {
        return ConsoleResponse.problem(409, "conflict", detail: "The cursor is none of this order.")
      }
      after = cursor
    }
    let page = try inbox.incidents(
      chosen, limit: try query.number("limit", 1...Inbox.longestPage, default: 50), after: after)
    return ConsoleResponse.json([
      "schema": 1, "incidents": .array(page.entries.map(\.summary)), "total": .integer(page.total),
      "next": page.next.map { .string($0.text) } ?? .null,
    ])
  }

  func outbox(_ query: APIQuery) throws -> Response {
    let page = try inbox.messages(
      undeliveredOnly: try query.flag("undelivered"),
      limit: try query.number("limit", 1...Inbox.longestPage, default: 100),
      offset: try query.number("offset", 0...1_000_000_000, default: 0))
    return ConsoleResponse.json([
      "schema": 1, "messages": .array(page.messages), "total": .integer(page.total),
    ])
  }
}
