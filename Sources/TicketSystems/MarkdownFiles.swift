public import Capabilities
import Foundation
import Incidents
import Secrets

/// Tickets as Markdown files on this machine, one for each incident: what an installation that names no tracker has.
///
/// The first message about an incident makes `INCIDENT.md` (mode 0600, in a directory of mode 0700); later ones are appended,
/// and what people write in between stays. A message and what it changes in the file's head are one atomic replacement, so a
/// message whose own marker stands in the file arrived whole, and one that does not left nothing. The journal's head is not
/// written: the files lie beside the journal.
public struct MarkdownFiles: TicketSystem {
  public static let kind = "markdown-files"
  public static let summary = "Markdown files on this machine, one for each incident, for their owner alone."
  public static let settings = [
    SettingDeclaration(
      "directory", "where they are, an absolute path; `tickets` in the state directory when absent")
  ]

  /// Mode 0600: only whoever runs staunch reads it.
  public var isPublic: Bool { false }
  public var canLookUp: Bool { true }
  public var isIdempotent: Bool { true }
  public var isElsewhere: Bool { false }

  private let directory: String
  private let files: any FileSystem

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    let named = try target.optionalText("directory")
    guard let directory = named ?? environment.stateDirectory.map({ "\($0)/tickets" }),
      directory.hasPrefix("/")
    else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "directory is no absolute path",
        fix: "write for example directory: /var/lib/incidents, then: staunch doctor")
    }
    self.directory = directory
    files = environment.files
  }

  public func readiness() async -> [Readiness] {
    var place = "\(directory)/ticket.md"
    // What is missing is made with the first ticket, below the last directory that is there.
    while place != "/" {
      let above = (place as NSString).deletingLastPathComponent
      if await files.exists(above) { break }
      place = above
    }
    guard let obstacle = await files.obstacle(toReplacing: place) else {
      return [Readiness(directory, .ready("tickets can be written there"))]
    }
    return [
      Readiness(
        directory,
        .missing(
          because: "no ticket can be written: \(obstacle)",
          fix: "give whoever runs staunch the right to write there, or name another directory"))
    ]
  }

  public func find(_ message: TicketMessage) async throws(CapabilityError) -> TicketRef? {
    var names = [message.incident.rawValue]
    if message.event != .opened, let named = message.ticket { names.insert(named, at: 0) }
    for name in names {
      let text = try await text(at: try path(of: name))
      if let text, text.contains(Self.marker(message: message.id)) { return ref(name, try path(of: name)) }
    }
    return nil
  }

  public func deliver(
    _ message: TicketMessage, to ticket: TicketRef?, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> TicketRef? {
    let name = ticket?.id ?? message.incident.rawValue
    let path = try path(of: name)
    let earlier = try await text(at: path)
    if let earlier, earlier.contains(Self.marker(message: message.id)) { return ref(name, path) }
    try await files.makeDirectory(directory, under: authority)
    let text = earlier.map { Self.appended(message, to: $0) } ?? Self.opened(with: message)
    try await files.replace(path, with: Secret(text), under: authority)
    return ref(name, path)
  }

  private func ref(_ name: String, _ path: String) -> TicketRef {
    TicketRef(id: name, url: URL(filePath: path).absoluteString)
  }

  /// - Throws: `.invalid` for an id that a playbook made up and that would lead elsewhere.
  private func path(of name: String) throws(CapabilityError) -> String {
    let isPlain =
      !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 200
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    guard isPlain else {
      throw CapabilityError(
        .invalid, "write a ticket in \(directory)", because: "the ticket's id is no plain name",
        fix: "name an incident's id in the playbook, or leave ticket: out")
    }
    return "\(directory)/\(name).md"
  }

  /// Nil when there is none. People edit it: what is no text is never written over.
  private func text(at path: String) async throws(CapabilityError) -> String? {
    let bytes: [UInt8]
    do throws(CapabilityError) {
      bytes = try await files.read(path).exposeAsBytes()
    } catch {
      guard error.class == .notFound else { throw error }
      return nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CapabilityError(
        .invalid, "write \(path)", because: "what is there is not UTF-8", fix: "save it as UTF-8")
    }
    return text
  }

  // MARK: the file's text

  private static func marker(message id: String) -> String { "<!-- staunch message \(id) -->" }
  /// Ends the line that says whether the ticket is open.
  private static let stateMarker = "<!-- staunch state -->"

  private static func opened(with message: TicketMessage) -> String {
    """
    <!-- staunch incident \(message.incident) -->
    \(marker(message: message.id))
    # \(line(message.title))

    \(state(after: message)) \(stateMarker)

    \(heading(message))\(harmless(message.body))

    """
  }

  private static func appended(_ message: TicketMessage, to earlier: String) -> String {
    // An editor's CR LF would be one character, and the file one line.
    var lines = earlier.replacing("\r\n", with: "\n")
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if isTurn(message) {
      let state = "\(state(after: message)) \(stateMarker)"
      if let place = lines.firstIndex(where: { $0.contains(stateMarker) }) {
        lines[place] = state
      } else {
        lines.insert(state, at: 0)  // somebody took it out
      }
    }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines.joined(separator: "\n") + """


      \(marker(message: message.id))
      ## \(line(message.title))

      \(heading(message))\(harmless(message.body))

      """
  }

  /// It opens or closes the ticket: a credential that leaks again opens a closed one.
  private static func isTurn(_ message: TicketMessage) -> Bool {
    switch message.event {
    case .detected, .opened, .closed: true
    case .contained, .updated: false
    }
  }

  private static func state(after message: TicketMessage) -> String {
    message.event == .closed ? "State: closed" : "State: open"
  }

  /// What happened, when, and how bad it is.
  private static func heading(_ message: TicketMessage) -> String {
    (message.isDrill ? "**DRILL**\n\n" : "")
      + "\(Timestamp.text(message.at)) · \(message.event.rawValue) · \(message.severity.rawValue)\n\n"
  }

  /// On one line, so that a title is no second heading.
  private static func line(_ text: String) -> String {
    harmless(text).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// Text that forges no marker, is no HTML where the file is rendered and moves nothing on a terminal.
  static func harmless(_ text: String) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x00...0x08, 0x0B...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: continue
      default: plain.append(scalar)
      }
    }
    return String(plain).replacing(/<(?=[A-Za-z\/!?])/, with: "<\u{200B}")
  }
}
