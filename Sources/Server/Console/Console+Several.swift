import ConsolePages
import Foundation
import HummingbirdCore
import Inbox
import Secrets

/// `/decide`: a storm's plans, or whatever else waits for a person, without a page for each.
extension Console {
  /// What waits for a person.
  private func waiting(page: Int) throws -> IncidentListing {
    var address = ListAddress(nil)
    address.filter.only = "asks"
    address.page = page
    return try listing(address).listing
  }

  func severalPage(_ exchange: ConsoleExchange, _ visitor: Visitor) throws -> Response {
    let page = ListAddress(try exchange.fields()).page
    return ConsoleResponse.page(
      pages.several(
        try waiting(page: page), in: try frame(visitor.viewer, here: "/people"), viewer: visitor.viewer))
  }

  func decideSeveral(_ exchange: ConsoleExchange, _ visitor: Visitor) async throws -> Response {
    let form = try await exchange.form()
    guard isGenuine(form["csrf"], exchange, visitor) else { return try forged(visitor) }
    let picked = form.all(behind: "pick-").keys.sorted()
    let fields = DecisionFields(
      kind: form["kind"] ?? "", role: form["role"], confirm: form["confirm"], text: form["text"],
      password: form["password"].map { Secret($0) })
    let around = try frame(visitor.viewer, here: "/people")
    do {
      let several = try await decisions.store(fields, about: picked, by: visitor)
      let outcome =
        several.refused.isEmpty
        ? "The worker applies them." : "\(several.refused.count) do not apply; they stand below."
      return ConsoleResponse.page(
        pages.several(
          try waiting(page: 1), in: around, viewer: visitor.viewer,
          said: (
            several.stored == 1 ? "1 decision is stored." : "\(several.stored) decisions are stored.", outcome
          ), refused: several.refused))
    } catch let refusal as DecisionRefusal {
      return ConsoleResponse.page(
        pages.several(
          try waiting(page: 1), in: around, viewer: visitor.viewer, failure: refusal.failure),
        status: refusal.status)
    }
  }
}
