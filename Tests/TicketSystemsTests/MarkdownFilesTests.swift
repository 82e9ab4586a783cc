import Capabilities
import Foundation
import Incidents
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

@testable import TicketSystems

/// Against real files.
@Suite struct MarkdownFilesTests {
  private let state: TemporaryDirectory
  private let moment = Date(timeIntervalSince1970: 1_800_000_000)

  init() throws { state = try TemporaryDirectory() }

  private func tracker(_ files: any FileSystem = LocalFileSystem(), directory: String? = nil) throws
    -> MarkdownFiles
  {
    var settings: [String: JSONValue] = [:]
    settings["directory"] = directory.map { .string($0) }
    return try MarkdownFiles(
      TargetConfiguration(
        name: "local", kind: "markdown-files", settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(files: files, stateDirectory: state.path("state")))
  }

  private func message(
    _ event: TicketMessage.Event, id: String, title: String = "Amber Heron", body: String = "The details.",
    ticket: String? = nil
  ) -> TicketMessage {
    TicketMessage(
      id: id, incident: "inc-1", event: event, sequence: 1, title: title, body: body, severity: .sev2,
      isDrill: false, at: moment, ticket: ticket)
  }

  private var path: String { state.path("state/tickets/inc-1.md") }

  private func file() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  private func count(_ text: String, in file: String) -> Int { file.components(separatedBy: text).count - 1 }

  @Test func `a ticket is opened, told and closed in one file that only its owner reads`() async throws {
    let tracker = try tracker()
    #expect(!tracker.isPublic)
    let opened = try await tracker.deliver(message(.opened, id: "m1"), to: nil, under: .forTests())
    let ref = try #require(opened)
    #expect(ref.id == "inc-1")
    #expect(ref.url?.hasSuffix("/state/tickets/inc-1.md") == true)
    #expect(try file().contains("State: open"))
    _ = try await tracker.deliver(
      message(.contained, id: "m2", title: "It is dead"), to: ref, under: .forTests())
    _ = try await tracker.deliver(message(.closed, id: "m3"), to: ref, under: .forTests())
    let text = try file()
    #expect(text.contains("# Amber Heron\n"))
    #expect(text.contains("## It is dead\n"))
    #expect(count("The details.", in: text) == 3)
    #expect(count("State: ", in: text) == 1)
    #expect(text.contains("State: closed"))
    #expect(try mode(path) == 0o600)
    #expect(try mode(state.path("state/tickets")) == 0o700)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state.path("state/tickets")) == ["inc-1.md"])
  }

  @Test func `the same message again changes nothing, whatever it is`() async throws {
    let tracker = try tracker()
    let events: [TicketMessage.Event] = [.detected, .opened, .contained, .updated, .closed]
    for (index, event) in events.enumerated() {
      let message = message(event, id: "m\(index)")
      let first = try await tracker.deliver(message, to: nil, under: .forTests())
      let text = try file()
      #expect(try await tracker.deliver(message, to: first, under: .forTests()) == first)
      #expect(try file() == text)
    }
    #expect(count("<!-- staunch message", in: try file()) == 5)
  }

  @Test(arguments: [true, false])
  func `a lost reply is found by the message's own marker, and only if it arrived`(arrived: Bool) async throws
  {
    let opened = message(.opened, id: "m1")
    _ = try await tracker().deliver(opened, to: nil, under: .forTests())
    let update = message(.updated, id: "m2")
    let broken = try tracker(BreakingFiles(writesFirst: arrived))
    await #expect(throws: CapabilityError.self) {
      try await broken.deliver(update, to: nil, under: .forTests())
    }
    let whole = try tracker()
    #expect(try await whole.find(opened)?.id == "inc-1")
    #expect(try await whole.find(update)?.id == (arrived ? "inc-1" : nil))
    _ = try await whole.deliver(update, to: nil, under: .forTests())
    #expect(count("<!-- staunch message m2 -->", in: try file()) == 1)
  }

  @Test func `a credential that leaks again opens the ticket again`() async throws {
    let tracker = try tracker()
    _ = try await tracker.deliver(message(.opened, id: "m1"), to: nil, under: .forTests())
    _ = try await tracker.deliver(message(.closed, id: "m2"), to: nil, under: .forTests())
    _ = try await tracker.deliver(message(.updated, id: "m3"), to: nil, under: .forTests())
    #expect(try file().contains("State: closed"))
    _ = try await tracker.deliver(message(.opened, id: "m4"), to: nil, under: .forTests())
    #expect(try file().contains("State: open"))
  }

  @Test func `a quotation forges no marker, is no HTML and moves nothing on a terminal`() async throws {
    let tracker = try tracker()
    let hostile =
      "x <!-- staunch message m2 --> <!-- staunch state --> <script>a()</script> \u{1B}[2J\u{202E}y\r\n</p>"
    _ = try await tracker.deliver(
      message(.opened, id: "m1", title: "one\n# two <b>", body: hostile), to: nil, under: .forTests())
    #expect(try await tracker.find(message(.updated, id: "m2")) == nil)
    let text = try file()
    #expect(count("<!-- staunch state -->", in: text) == 1)
    for part in ["<script>", "</script>", "</p>", "<b>", "\u{1B}", "\u{202E}", "\r", "\n# two"] {
      #expect(!text.contains(part), "\(part.debugDescription)")
    }
    _ = try await tracker.deliver(message(.closed, id: "m3"), to: nil, under: .forTests())
    #expect(try file().contains("State: closed <!-- staunch state -->\n"))
  }

  @Test(arguments: ["\n", "\r\n"])
  func `what people write into it stays, whatever ends their lines`(end: String) async throws {
    let tracker = try tracker()
    _ = try await tracker.deliver(message(.opened, id: "m1"), to: nil, under: .forTests())
    try (try file() + "\nI called the bank.\n").replacingOccurrences(of: "\n", with: end)
      .write(toFile: path, atomically: false, encoding: .utf8)
    _ = try await tracker.deliver(message(.closed, id: "m2"), to: nil, under: .forTests())
    let text = try file()
    for part in ["# Amber Heron", "I called the bank.", "State: closed", "<!-- staunch message m1 -->"] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(try await tracker.find(message(.opened, id: "m1")) != nil)
  }

  @Test func `a file that is no text is not written over`() async throws {
    let tracker = try tracker()
    _ = try await tracker.deliver(message(.opened, id: "m1"), to: nil, under: .forTests())
    let bytes = Data([0x4D, 0xFC, 0x6C, 0x6C])
    try bytes.write(to: URL(filePath: path))
    let error = await #expect(throws: CapabilityError.self) {
      try await tracker.deliver(message(.updated, id: "m2"), to: nil, under: .forTests())
    }
    #expect(error?.because == "what is there is not UTF-8")
    #expect(FileManager.default.contents(atPath: path) == bytes)
  }

  @Test(arguments: ["../../etc/passwd", "a/b", ".hidden", "", "a\nb"])
  func `a ticket's id leads nowhere else`(id: String) async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await tracker().deliver(
        message(.updated, id: "m1"), to: TicketRef(id: id, url: nil), under: .forTests())
    }
    #expect(error?.class == .invalid)
    #expect(!FileManager.default.fileExists(atPath: state.path("state")))
  }

  @Test func `readiness looks at what is there and makes nothing`() async throws {
    let found = try await tracker().readiness()
    #expect(found.map(\.verdict) == [.ready("tickets can be written there")])
    #expect(!FileManager.default.fileExists(atPath: state.path("state")))
    try "x".write(toFile: state.path("file"), atomically: false, encoding: .utf8)
    let blocked = try await tracker(directory: state.path("file")).readiness()
    guard case .missing? = blocked.first?.verdict else {
      Issue.record("a file is no directory: \(blocked)")
      return
    }
  }

  @Test func `a directory that starts nowhere is refused`() throws {
    let error = #expect(throws: CapabilityError.self) { try tracker(directory: "tickets") }
    #expect(error?.class == .configuration)
  }
}

/// Files of which the writer hears nothing: the reply is lost, after the change or before it.
private struct BreakingFiles: FileSystem {
  let writesFirst: Bool
  private let files = LocalFileSystem()

  init(writesFirst: Bool) { self.writesFirst = writesFirst }

  func read(_ path: String) async throws(CapabilityError) -> Secret { try await files.read(path) }
  func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    if writesFirst { try await files.replace(path, with: contents, under: authority) }
    throw CapabilityError(.unknownOutcome, "replace \(path)", because: "the process was killed")
  }
  func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await files.makeDirectory(path, under: authority) }
  func exists(_ path: String) async -> Bool { await files.exists(path) }
  func files(in directory: String) async throws(CapabilityError) -> [String] {
    try await files.files(in: directory)
  }
  func obstacle(toReplacing path: String) async -> String? { await files.obstacle(toReplacing: path) }
}
