import People
import Foundation
import Inbox
import JSON
import Logging
import Secrets
import ServiceLifecycle
import TestSupport

@testable import Server

/// A receiver with its console on a free loopback port, and a board of the fixture.
struct RunningConsole: Sendable {
  let port: Int
  let inbox: Inbox
  let publicKey: Data
  var address: String { "http://127.0.0.1:\(port)" }

  /// Serves while `body` runs, then stops as on SIGTERM.
  static func with<Result: Sendable>(
    now: @escaping @Sendable () -> Date = { Date.now }, storm: Bool = false,
    _ body: @Sendable (RunningConsole) async throws -> Result
  ) async throws -> Result {
    let directory = try TemporaryDirectory(inMemory: true)
    let key = InboxPrivateKey()
    let inbox = try Inbox.open(path: directory.path("exchange.sqlite"), sealingTo: key.publicKey)
    let board = BoardFixture(now: now())
    try inbox.publish(board.documents + (storm ? [board.storm] : []))
    try inbox.beat(at: now())
    let people = try ConsoleCaller.people()
    let log = Logger.silent
    var settings = ConsoleSettings()
    settings.watchSeconds = 0.05
    let console = try Console(
      settings, isTLS: false, inbox: inbox, people: { people }, cost: try ConsoleCaller.cost(), log: log,
      now: now)
    return try await Receiver.serving(log: log) { listens in
      try Receiver(
        ReceiverSettings(port: 0, limits: .roomy), secrets: SecretSources(inherited: [:]), inbox: inbox,
        pages: console, log: log, now: now, onListening: listens)
    } _: { port, _ in
      try await body(
        RunningConsole(port: port, inbox: inbox, publicKey: people["maria"]?.publicKey ?? Data()))
    }
  }
}

extension BrowserPage {
  /// Signs in with the keyboard alone: the name has the focus already.
  func signIn(_ console: RunningConsole, to path: String = "/incidents") async throws {
    try await open(console.address + "/sign-in?to=" + path)
    try await untilFocus("[name=name]")
    try await type("maria")
    try await press("Tab")
    try await untilFocus("[name=password]")
    try await type(ConsoleCaller.password)
    try await loading { try await press("Enter") }
  }
}
