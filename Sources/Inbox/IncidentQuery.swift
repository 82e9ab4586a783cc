import Foundation
import GRDB
public import JSON

/// Which incidents of the board, in which order. Everything is chosen, sorted and counted in the database; only what a page
/// shows leaves it.
public struct IncidentQuery: Sendable, Hashable {
  public enum State: Int, Sendable, Hashable, CaseIterable {
    case open, contained, closed

    /// `open`, `contained` or `closed`; nil for another word.
    public init?(word: String) {
      guard let state = State.allCases.first(where: { $0.word == word }) else { return nil }
      self = state
    }
    public var word: String { "\(self)" }
  }

  public enum Order: String, Sendable, Hashable, CaseIterable {
    /// Open before contained before closed, the worst first, then the oldest.
    case urgency
    /// What was detected last first.
    case newest
    /// What the worker changed last first.
    case changed
    case name

    /// Columns that name one row; all of them go the same way.
    var columns: [String] {
      switch self {
      case .urgency: ["place", "severity", "detected", "id"]
      case .newest: ["detected", "id"]
      case .changed: ["version", "id"]
      case .name: ["codename", "id"]
      }
    }
    var isDescending: Bool { self == .newest || self == .changed }
  }

  /// Empty: in any state.
  public var states: Set<State> = []
  /// 1…4, as in sev1…sev4; empty: of any.
  public var severities: Set<Int> = []
  /// The kind of credential, as on the board (`postgres_uri`).
  public var kind: String?
  /// Only those of which a leaked value is known to work.
  public var isAlive = false
  /// Only those that wait for a person.
  public var asks = false
  /// Only those of this person.
  public var assigned: String?
  /// Words that all stand in an incident's id, names, kind or places; without case.
  public var text = ""
  public var order = Order.urgency

  public init() {}

  /// At most eight words of the search, each of at most 100 characters, as the list keeps them.
  private var words: [String] {
    text.split(whereSeparator: \.isWhitespace).prefix(8).map { String($0.prefix(100)).lowercased() }
  }

  /// The condition of `WHERE` and its values; `1` when everything is meant.
  var condition: (sql: String, values: [DatabaseValue]) {
    var clauses: [String] = []
    var values: [DatabaseValue] = []
    func among(_ column: String, _ numbers: [Int]) {
      guard !numbers.isEmpty else { return }
      clauses.append("\(column) IN (\(numbers.map { _ in "?" }.joined(separator: ", ")))")
      values += numbers.sorted().map(\.databaseValue)
    }
    among("place", states.map(\.rawValue))
    among("severity", Array(severities))
    if let kind {
      clauses.append("kind = ?")
      values.append(kind.databaseValue)
    }
    if isAlive { clauses.append("alive = 1") }
    if asks { clauses.append("asks = 1") }
    if let assigned {
      clauses.append("assigned = ?")
      values.append(assigned.databaseValue)
    }
    for word in words {
      clauses.append("instr(words, ?) > 0")
      values.append(word.databaseValue)
    }
    return (clauses.isEmpty ? "1" : clauses.joined(separator: " AND "), values)
  }
}

/// A place between two rows of a list: a walk that goes on behind it misses no row that was there all the time, whatever comes
/// and goes meanwhile.
public struct IncidentCursor: Sendable, Hashable {
  /// The order that it belongs to.
  public let order: IncidentQuery.Order
  let values: [JSONValue]

  init(order: IncidentQuery.Order, values: [JSONValue]) {
    self.order = order
    self.values = values
  }

  /// Reads what ``text`` gave; nil when it is none of ours.
  public init?(text: String) {
    var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
    guard text.utf8.count <= 2000, let bytes = Data(base64Encoded: base64) else { return nil }
    let parsed: JSONValue
    do { parsed = try JSONValue(parsing: Array(bytes)) } catch { return nil }
    guard let parts = parsed.array, let order = parts.first?.string.flatMap(IncidentQuery.Order.init),
      parts.count == order.columns.count + 1
    else { return nil }
    let values = Array(parts.dropFirst())
    for (column, value) in zip(order.columns, values) {
      let isText = column == "id" || column == "codename"
      guard isText ? value.string != nil : value.integer != nil else { return nil }
    }
    self.init(order: order, values: values)
  }

  /// Letters, digits, `-` and `_`; fit for a query.
  public var text: String {
    let whole = JSONValue.array([.string(order.rawValue)] + values)
    return Data(whole.canonicalBytes).base64EncodedString().replacing("+", with: "-")
      .replacing("/", with: "_").replacing("=", with: "")
  }

  var databaseValues: [DatabaseValue] {
    values.map { value in
      switch value {
      case .integer(let number): number.databaseValue
      case .string(let text): text.databaseValue
      case .null, .boolean, .number, .array, .object: .null  // `init` lets none of them in
      }
    }
  }
}

/// A piece of the list of incidents.
public struct IncidentPage: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public let id: String
    /// The board's version when it last changed.
    public let version: Int
    /// What a list shows of it: the members of the board's document without steps, timeline, places and notes.
    public let summary: JSONValue
  }
  public let entries: [Entry]
  /// How many there are in all.
  public let total: Int
  /// Where the next piece begins; nil at the end.
  public let next: IncidentCursor?
}

/// How many incidents stand where.
public struct IncidentCounts: Sendable, Hashable {
  public var open = 0
  public var contained = 0
  public var closed = 0
  /// Not closed, and a leaked value is known to work.
  public var alive = 0
  /// Not closed, and a person is waited for.
  public var asks = 0
  public init() {}
  public var all: Int { open + contained + closed }
}
