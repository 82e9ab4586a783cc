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
  /// - Throws: `.invalid` when an answer is no list, an element has no id, or the pages go in circles.
  func elements(of list: ProviderListing, _ names: Names = [:]) async throws(CapabilityError) -> [Element] {
    let operation = shown(list.call)
    var found: [Element] = []
    var next: String? = list.page != nil && list.cursor == nil ? String(list.first) : nil
    var seen: Set<String> = []
    while true {
      let query = list.page.flatMap { page in
        next.map { "\(RESTClient.escaped(page))=\(RESTClient.escaped($0))" }
      }
      let answer = ProviderAnswer(try await checked(list.call, names, query: query))
      let items: [Value]
      // An empty page may come as null.
      switch try value(list.items, names.merging(["answer": answer.value]) { own, _ in own }) {
      case .list(let elements): items = elements
      case .null where answer.body != .null: items = []
      default:
        throw CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check base_url")
      }
      for item in items {
        let names = names.merging(["item": item]) { own, _ in own }
        if list.isCounted != nil, try truth(list.isCounted, names) != true { continue }
        found.append(
          Element(
            ref: try Self.ref(text(list.id, names), operation), hint: list.hint.flatMap { text($0, names) },
            name: list.name.flatMap { text($0, names) },
            created: list.created.flatMap { text($0, names) }.flatMap(Timestamp.date),
            what: list.what.flatMap { text($0, names) }))
      }
      guard let following = try self.next(list, answer, items, names, seen.count) else { return found }
      guard seen.insert(following).inserted, seen.count < Self.mostPages else {
        throw CapabilityError(.invalid, operation, because: "the list has no end")
      }
      next = following
    }
  }

  /// - Parameter count: pages that were read before this one.
  private func next(
    _ list: ProviderListing, _ answer: ProviderAnswer, _ items: [Value], _ names: Names, _ count: Int
  ) throws(CapabilityError) -> String? {
    guard list.page != nil else { return nil }
    guard let cursor = list.cursor else { return items.isEmpty ? nil : String(list.first + count + 1) }
    let following = try value(cursor, names.merging(["answer": answer.value]) { own, _ in own }).text
    return following.flatMap { $0.isEmpty ? nil : $0 }
  }
}
