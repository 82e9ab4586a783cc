import Foundation
public import JSON

/// What a page of the list shows: its rows, how many there are in all, and what was chosen.
public struct IncidentListing: Sendable {
  /// What the form above the list says. A word that is none of its choices is the first choice.
  public struct Filter: Sendable, Hashable {
    /// Empty: not closed; `open`, `contained`, `closed`, `all`.
    public var state = ""
    /// Empty: any; `sev1` … `sev4`.
    public var severity = ""
    /// Empty: any.
    public var kind = ""
    /// Empty: all of them; `alive`, `asks`.
    public var only = ""
    /// Empty: anybody's.
    public var assigned = ""
    /// Empty: by urgency; `newest`, `changed`, `name`.
    public var order = ""
    public var text = ""
    public init() {}

    /// As the query of an address; the page's number only behind the first.
    func address(page: Int) -> String {
      var parts: [String] = []
      func add(_ name: String, _ value: String) {
        if !value.isEmpty { parts.append("\(name)=\(ConsoleText.pathSegment(value))") }
      }
      add("q", text)
      add("state", state)
      add("severity", severity)
      add("kind", kind)
      add("only", only)
      add("assigned", assigned)
      add("sort", order)
      if page > 1 { parts.append("page=\(page)") }
      return "/incidents" + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
    }
  }

  public var filter: Filter
  /// Rows of the board's list.
  public var rows: [JSONValue]
  /// How many the filter chooses.
  public var total: Int
  /// From 1.
  public var page: Int
  public var pageSize: Int
  public var open: Int
  public var contained: Int
  public var closed: Int
  public var alive: Int
  public var asks: Int
  /// Kinds that there are.
  public var kinds: [String]
  /// People that an incident may be given to.
  public var people: [String]

  public init(
    filter: Filter = Filter(), rows: [JSONValue], total: Int, page: Int = 1, pageSize: Int = 50, open: Int,
    contained: Int, closed: Int, alive: Int, asks: Int, kinds: [String] = [], people: [String] = []
  ) {
    self.filter = filter
    self.rows = rows
    self.total = total
    self.page = page
    self.pageSize = pageSize
    self.open = open
    self.contained = contained
    self.closed = closed
    self.alive = alive
    self.asks = asks
    self.kinds = kinds
    self.people = people
  }

  /// The address of this page of the list.
  public var here: String { filter.address(page: page) }
}

extension ConsolePages {
  /// One page of the incidents.
  public func incidents(_ listing: IncidentListing, in frame: Frame) -> String {
    render("incidents", ListModel(listing, now: frame.now), title: "Incidents", in: frame, refresh: 30)
  }

  /// One incident's row, alone.
  public func row(_ summary: JSONValue, in frame: Frame) -> String {
    part("incident-row", IncidentHead(summary, now: frame.now))
  }

  /// What stands around the rows and changes by itself, by the name of its region.
  public func parts(around listing: IncidentListing, in frame: Frame) -> [String: String] {
    let model = ListModel(listing, now: frame.now, isWithoutRows: true)
    var parts = parts(of: frame, title: "Incidents")
    for name in ["tally", "none", "pages"] { parts[name] = part(name, model) }
    return parts
  }
}

/// The list, its form and the way through it.
struct ListModel: Sendable {
  struct Choice: Sendable {
    let choiceName: String
    let choiceTitle: String
    let options: [Option]
  }
  struct Option: Sendable {
    let optionValue: String
    let optionLabel: String
    let isChosen: Bool
  }
  struct Nothing: Sendable {
    let noneText: String
    let noneIsCalm: Bool
  }

  let tally: String
  /// More than one waits for a person.
  let manyAsk: Bool
  let filterText: String
  let isFiltered: Bool
  let choices: [Choice]
  let rows: [IncidentHead]
  let none: Nothing?
  let pageText: String
  let previousPage: String?
  let nextPage: String?

  init(_ listing: IncidentListing, now: Date, isWithoutRows: Bool = false) {
    let filter = listing.filter
    var parts = ["\(ConsoleText.number(listing.open)) open"]
    if listing.contained > 0 { parts.append("\(ConsoleText.number(listing.contained)) contained") }
    if listing.closed > 0 { parts.append("\(ConsoleText.number(listing.closed)) closed") }
    if listing.alive > 0 { parts.append("\(ConsoleText.number(listing.alive)) with an old credential ALIVE") }
    if listing.asks > 0 { parts.append("\(ConsoleText.number(listing.asks)) wait for a person") }
    tally = parts.joined(separator: " · ")
    manyAsk = listing.asks > 1
    filterText = filter.text
    isFiltered = filter != IncidentListing.Filter()
    choices = Self.choices(listing)
    rows = isWithoutRows ? [] : listing.rows.map { IncidentHead($0, now: now) }
    let isCalm = !isFiltered && listing.page == 1
    none =
      listing.rows.isEmpty
      ? Nothing(noneText: isCalm ? "No open incident." : "No incident is like that.", noneIsCalm: isCalm)
      : nil
    let first = (listing.page - 1) * listing.pageSize + 1
    pageText =
      listing.rows.isEmpty
      ? ""
      : "\(ConsoleText.number(first))–\(ConsoleText.number(first + listing.rows.count - 1)) of "
        + ConsoleText.number(listing.total)
    previousPage = listing.page > 1 ? filter.address(page: listing.page - 1) : nil
    nextPage = listing.page * listing.pageSize < listing.total ? filter.address(page: listing.page + 1) : nil
  }

  private static func choices(_ listing: IncidentListing) -> [Choice] {
    let filter = listing.filter
    func choice(_ name: String, _ title: String, _ chosen: String, _ options: [(String, String)]) -> Choice {
      Choice(
        choiceName: name, choiceTitle: title,
        options: options.map { Option(optionValue: $0.0, optionLabel: $0.1, isChosen: $0.0 == chosen) })
    }
    return [
      choice(
        "state", "State", filter.state,
        [
          ("", "not closed"), ("open", "open"), ("contained", "contained"), ("closed", "closed"),
          ("all", "any"),
        ]),
      choice(
        "severity", "Severity", filter.severity,
        [("", "any")] + ["sev1", "sev2", "sev3", "sev4"].map { ($0, $0.uppercased()) }),
      choice(
        "kind", "Kind", filter.kind,
        [("", "any")] + listing.kinds.map { ($0, $0.replacing("_", with: " ")) }),
      choice(
        "only", "Only", filter.only,
        [("", "all of them"), ("alive", "old credential ALIVE"), ("asks", "waiting for a person")]),
      choice(
        "assigned", "Assigned to", filter.assigned, [("", "anybody")] + listing.people.map { ($0, $0) }),
      choice(
        "sort", "Sort by", filter.order,
        [("", "urgency"), ("newest", "newest"), ("changed", "last change"), ("name", "name")]),
    ]
  }
}
