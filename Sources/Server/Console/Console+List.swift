import ConsolePages
import Foundation
import Inbox
import JSON
import People

/// The list of incidents: what is chosen stands in the address, so that it can be kept and sent; the database chooses.
extension Console {
  /// Rows of one page. Together with what surrounds them a page stays below 200 kB.
  static let pageSize = 50
  static let messagesOfPage = 100

  /// What an address asks for. Words that the form does not have count as not said.
  struct ListAddress: Sendable, Hashable {
    var filter = IncidentListing.Filter()
    var page = 1

    init(_ query: FormFields?) {
      guard let query else { return }
      func word(_ name: String, of words: Set<String>) -> String {
        query[name].flatMap { words.contains($0) ? $0 : nil } ?? ""
      }
      filter.state = word("state", of: ["open", "contained", "closed", "all"])
      filter.severity = word("severity", of: ["sev1", "sev2", "sev3", "sev4"])
      filter.only = word("only", of: ["alive", "asks"])
      filter.order = word("sort", of: ["newest", "changed", "name"])
      filter.kind = String((query["kind"] ?? "").prefix(100))
      filter.assigned = String((query["assigned"] ?? "").prefix(64))
      filter.text = String((query["q"] ?? "").prefix(200)).trimmingCharacters(in: .whitespaces)
      page = min(max(1, query["page"].flatMap { Int($0) } ?? 1), 1_000_000)
    }

    var query: IncidentQuery {
      var query = IncidentQuery()
      switch filter.state {
      case "": query.states = [.open, .contained]
      case "all": query.states = []
      default: query.states = IncidentQuery.State(word: filter.state).map { [$0] } ?? []  // one of its words
      }
      query.severities = Int(filter.severity.dropFirst(3)).map { [$0] } ?? []
      query.kind = filter.kind.isEmpty ? nil : filter.kind
      query.isAlive = filter.only == "alive"
      query.asks = filter.only == "asks"
      query.assigned = filter.assigned.isEmpty ? nil : filter.assigned
      query.text = filter.text
      query.order = IncidentQuery.Order(rawValue: filter.order) ?? .urgency
      return query
    }
  }

  /// A page of the list, and which version each of its rows has.
  func listing(_ address: ListAddress) throws -> (
    listing: IncidentListing, versions: [(id: String, version: Int)]
  ) {
    let counts = try inbox.incidentCounts()
    let page = try inbox.incidents(
      address.query, limit: Console.pageSize, offset: (address.page - 1) * Console.pageSize)
    let names = try people().people.map(\.name)
    let listing = IncidentListing(
      filter: address.filter, rows: page.entries.map(\.summary), total: page.total, page: address.page,
      pageSize: Console.pageSize, open: counts.open, contained: counts.contained, closed: counts.closed,
      alive: counts.alive, asks: counts.asks, kinds: try inbox.incidentKinds(), people: names)
    return (listing, page.entries.map { ($0.id, $0.version) })
  }

  func outbox(page: Int) throws -> ConsolePages.OutboxListing {
    let counts = try inbox.messageCounts()
    let found = try inbox.messages(
      limit: Console.messagesOfPage, offset: (page - 1) * Console.messagesOfPage)
    return ConsolePages.OutboxListing(
      messages: found.messages, undelivered: counts.undelivered, arrived: counts.arrived,
      dropped: counts.dropped, page: page, pageSize: Console.messagesOfPage)
  }
}
