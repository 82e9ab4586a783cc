import ArgumentParser
import Chronicle
import Incidents
import JSON
import Journal

/// `staunch status`: where am I, what now. Reads local state only.
struct StatusCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Where am I, what now: every open incident and its next action.")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws { try Self.show(in: assembly) }

  /// A bare `staunch`, asked at every turn of an incident: there is no argument to parse, which would be most of its time.
  static func answer() {
    let assembly = Assembly(options: Assembly.Options())
    do {
      try assembly.openDebugLog()
      try show(in: assembly)
    } catch {
      exit(withError: assembly.exit(after: error))
    }
  }

  private static func show(in assembly: Assembly) throws {
    let journal = try assembly.journalForReading()
    let locks = LockLines(locks: try journal?.locks() ?? [], now: assembly.now())
    let difference = try journal?.difference()
    if assembly.options.json {
      let statuses = try journal.map { try assembly.statuses(in: $0) } ?? []
      assembly.console.data(
        locks.added(to: IncidentStatus.document(statuses)).with([
          "state_directory": .string(assembly.statePath),
          "journal_problem": difference.map { .string("\($0)") } ?? .null,
        ]).canonicalText)
    } else {
      if let difference { for line in assembly.lines(of: difference) { assembly.console.data(line) } }
      let screen = StatusScreen(console: assembly.console)
      let open = try journal.map { try assembly.openIncidents(in: $0, first: StatusScreen.most) }
      for line in screen.lines(open ?? OpenIncidents(), in: assembly.statePath) {
        assembly.console.data(line)
      }
      for line in locks.lines { assembly.console.data(line) }
    }
    if difference != nil { throw ExitCode(ExitStatus.unavailable.rawValue) }
  }
}

/// `staunch next`: only the next command.
struct NextCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "next", abstract: "Only the next action of the most urgent open incident.")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    try assembly.warnOfDifference()
    let journal = try assembly.journalForReading()
    let status = try journal.flatMap { try assembly.openIncidents(in: $0, first: 1).urgent.first }
    if global.json {
      let next = status.map { status -> JSONValue in
        ["text": .string(status.next.text), "command": status.next.command.map { .string($0) } ?? .null]
      }
      let document: JSONValue = [
        "schema": 1, "incident": status.map { .string($0.id.rawValue) } ?? .null, "next": next ?? .null,
      ]
      assembly.console.data(document.canonicalText)
      return
    }
    guard let status else {
      assembly.console.say("No open incident in \(harmless(assembly.statePath)).")
      return
    }
    assembly.console.say(harmless(status.next.text))
    if let command = status.next.command { assembly.console.data(command) }
  }
}

/// `staunch incidents`: a line each.
struct IncidentsCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "incidents", abstract: "Every incident, a line each, open ones first.")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    try assembly.warnOfDifference()
    let statuses = try assembly.statuses()
    if global.json {
      assembly.console.data(IncidentStatus.document(statuses).canonicalText)
      return
    }
    let screen = StatusScreen(console: assembly.console)
    for status in statuses { assembly.console.data(screen.line(status)) }
    if statuses.isEmpty {
      assembly.console.say(
        "No incident in \(harmless(assembly.statePath)). next: staunch respond, with a scanner's report")
    }
  }
}

/// `staunch show`: one incident, all of it.
struct ShowCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "One incident: state, plan, every step.")

  @Argument(help: "The incident's id, as status prints it.")
  var incident: String

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    try assembly.warnOfDifference()
    let statuses = try assembly.statuses()
    guard let status = statuses.first(where: { $0.id.rawValue == incident }) else {
      throw CommandFailure(
        .invalidInput, "there is no incident \"\(harmless(incident))\"",
        because: "the journal of this state directory does not have it", fix: "staunch incidents")
    }
    let locks = try assembly.heldLocks(of: status.run?.id)
    if global.json {
      assembly.console.data(locks.added(to: IncidentStatus.document([status])).canonicalText)
    } else {
      for line in StatusScreen(console: assembly.console).details(status) { assembly.console.data(line) }
      for line in locks.lines { assembly.console.data(line) }
    }
  }
}

extension JSONValue {
  /// An object with more members.
  func with(_ members: [String: JSONValue]) -> JSONValue {
    .object((object ?? [:]).merging(members) { _, new in new })
  }
}

extension Assembly {
  /// What a person must read before anything else: what follows may not be everything.
  func lines(of difference: JournalDifference) -> [String] {
    [
      console.toned("THE JOURNAL IS NOT THE ONE THAT WAS LEFT", .bad) + ": \(harmless("\(difference)"))",
      "  what stands below may lack what happened last; no effect runs until a person decides",
      "  next: put the right file back into \(harmless(statePath)); or, when nobody has it:",
      "    staunch journal accept --reason 'why'", "",
    ]
  }

  /// Says on standard error that what follows may not be everything.
  func warnOfDifference() throws {
    guard let difference = try journalForReading()?.difference() else { return }
    for line in lines(of: difference) { console.fail(line) }
  }

  /// Every incident of the local journal; empty when nothing has run here.
  func statuses() throws -> [IncidentStatus] { try journalForReading().map { try statuses(in: $0) } ?? [] }

  func statuses(in journal: Journal) throws -> [IncidentStatus] {
    IncidentStatus.derive(events: try journal.events(), now: now())
  }

  /// The `limit` most urgent open incidents. Reads their events only, where the journal keeps a list of incidents.
  func openIncidents(in journal: Journal, first limit: Int) throws -> OpenIncidents {
    let now = now()
    if let overview = try journal.overview(first: limit) {
      return OpenIncidents(
        urgent: overview.urgent.map { IncidentStatus(of: $0, now: now) }, open: overview.open,
        closed: overview.closed)
    }
    let all = try statuses(in: journal)
    let open = all.filter { $0.state != .closed }
    return OpenIncidents(urgent: Array(open.prefix(limit)), open: open.count, closed: all.count - open.count)
  }
}

/// What the first screen shows.
struct OpenIncidents {
  /// The most urgent first; not all of them.
  var urgent: [IncidentStatus] = []
  var open = 0
  var closed = 0
}
