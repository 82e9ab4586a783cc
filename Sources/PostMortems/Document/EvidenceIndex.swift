import Chronicle
import Incidents

/// Every record that the document cites, with an anchor to link to.
struct EvidenceIndex {
  /// A link from a statement to the index.
  struct Citation: Sendable, Hashable {
    let label: DocumentText
    /// Letters, digits and hyphens: an HTML id.
    let anchor: String
  }

  /// One line of the index.
  struct Entry: Sendable, Hashable {
    let anchor: String
    let label: DocumentText
    let instant: DocumentText
    let what: DocumentText
    let hash: DocumentText
    let retention: DocumentText
  }

  private let events: [Int: JournalEvent]
  private var cited: [EvidenceLink: String] = [:]
  private var others = 0

  init(_ record: IncidentRecord) {
    events = Dictionary(record.events.map { ($0.sequence, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func cite(_ link: EvidenceLink) -> Citation {
    if cited[link] == nil { cited[link] = newAnchor(link) }
    return Citation(label: DocumentText(link.label), anchor: cited[link] ?? "")
  }

  private mutating func newAnchor(_ link: EvidenceLink) -> String {
    switch link {
    case .journal(let sequence, _): return "e\(sequence)"
    case .commit(_, let id): return "c-" + id.prefix(12).filter { $0.isASCII && $0.isHexDigit }
    case .report, .external:
      others += 1
      return "x\(others)"
    }
  }

  /// Journal events by number, then commits, then records outside.
  var entries: [Entry] {
    cited.map { (order($0.key), entry($0.key, anchor: $0.value)) }
      .sorted { ($0.0.0, $0.0.1, $0.1.anchor) < ($1.0.0, $1.0.1, $1.1.anchor) }
      .map(\.1)
  }

  private func order(_ link: EvidenceLink) -> (Int, Int) {
    switch link {
    case .journal(let sequence, _): (0, sequence)
    case .commit: (1, 0)
    case .report: (2, 0)
    case .external: (3, 0)
    }
  }

  private func entry(_ link: EvidenceLink, anchor: String) -> Entry {
    switch link {
    case .journal(let sequence, let hash):
      let event = events[sequence]
      return Entry(
        anchor: anchor, label: DocumentText(link.label),
        instant: DocumentText(event.map { Timestamp.text($0.at) } ?? ""),
        what: DocumentText(event?.kind.rawValue ?? ""), hash: DocumentText(hash),
        retention: "with the journal")
    case .commit(let repository, let id):
      return Entry(
        anchor: anchor, label: DocumentText(link.label), instant: "",
        what: "commit of \(repository.rawValue)",
        hash: DocumentText(id), retention: "until the backup of the rewrite is deleted")
    case .report:
      return Entry(
        anchor: anchor, label: DocumentText(link.label), instant: "", what: "report", hash: "",
        retention: "with the maps of the rewrite")
    case .external:
      return Entry(
        anchor: anchor, label: DocumentText(link.label), instant: "", what: "record outside", hash: "",
        retention: "unknown (ask its owner)")
    }
  }
}
