import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks
import RESTClient
import Secrets

// Lists that an API gives, in pages or whole.
extension DescribedProvider {
  /// An element of a list. Names and hints are other people's text: compared, never shown.
  struct Element {
    let ref: CredentialRef
    let hint: String?
    let name: String?
    let created: Date?
    let what: String?

    /// By its visible head and tail, or all of it where the API shows all.
    func looksLike(_ value: Secret) -> Bool {
      guard let hint else { return false }
      return Secret(hint).isSame(as: value) || (KeyHint(hint)?.fits(value) ?? false)
    }
  }

  /// No list of ours is longer; beyond, something is wrong.
  private static let mostPages = 1000

  /// Every element that counts, in the order of the pages.
  /// - Parameter countsOnly: their ids are neither shown nor sent, so any text tells them apart.
  /// - Throws: `.invalid` when an answer is no list, an element has no id, or the pages go in circles.
  func elements(of list: ProviderListing, _ names: Names = [:], countsOnly: Bool = false)
    async throws(CapabilityError) -> [Element]
  {
    let operation = shown(list.call)
    var found: [Element] = []
    var next: String? = list.page != nil && list.cursor == nil ? String(list.first) : nil
    var pages: Set<String> = []
    // An API that does not know the part of the query gives the same page again.
    var known: Set<CredentialRef> = []
    while true {
      let query = list.page.flatMap { page in
        next.map { "\(RESTClient.escaped(page))=\(RESTClient.escaped($0))" }
      }
      let answer = ProviderAnswer(try await checked(list.call, names, query: query))
      let names = names.merging(["answer": answer.value]) { own, _ in own }
      var isNew = false
      for item in try items(of: list, names, answer, operation) {
        let names = names.merging(["item": item]) { own, _ in own }
        let id = text(list.id, names)
        let ref = try Self.ref(countsOnly ? id.map(RESTClient.escaped) : id, operation)
        guard known.insert(ref).inserted else { continue }
        isNew = true
        if list.isCounted != nil, try truth(list.isCounted, names) != true { continue }
        found.append(
          Element(
            ref: ref, hint: list.hint.flatMap { text($0, names) },
            name: list.name.flatMap { text($0, names) },
            created: list.created.flatMap { text($0, names) }.flatMap(Timestamp.date),
            what: list.what.flatMap { text($0, names) }))
      }
      guard isNew, let following = try self.next(list, names, pages.count) else { return found }
      guard pages.insert(following).inserted, pages.count < Self.mostPages else {
        throw CapabilityError(.invalid, operation, because: "the list has no end")
      }
      next = following
    }
  }

  private func items(
    of list: ProviderListing, _ names: Names, _ answer: ProviderAnswer, _ operation: String
  ) throws(CapabilityError) -> [Value] {
    switch try value(list.items, names) {
    case .list(let items): return items
    // An empty list may come as null.
    case .null where answer.body != .null: return []
    default:
      throw CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check base_url")
    }
  }

  /// - Parameter count: pages that were read before this one.
  private func next(_ list: ProviderListing, _ names: Names, _ count: Int) throws(CapabilityError) -> String?
  {
    guard list.page != nil else { return nil }
    if list.hasMore != nil, try truth(list.hasMore, names) != true { return nil }
    guard let cursor = list.cursor else { return String(list.first + count + 1) }
    let following = try value(cursor, names).text
    return following.flatMap { $0.isEmpty ? nil : $0 }
  }
}
