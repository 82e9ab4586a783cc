import BuiltinContent
import ConsolePages
public import Foundation
import HTTPTypes
import Hummingbird
public import HummingbirdCore
public import Inbox
import JSON
public import Logging
public import People
import Secrets

/// The console: pages, sign-in, decisions, live updates and the JSON API. It reads the board and appends decisions; it can do
/// nothing else (docs/CONSOLE.md).
public struct Console: Pages {
  let pages: ConsolePages
  let assets: ConsoleAssets
  let inbox: Inbox
  let settings: ConsoleSettings
  let sessions: Sessions
  let doorman: Doorman
  let authentication: Authentication
  let decisions: Decisions
  let events: EventStream
  let people: @Sendable () throws -> PeopleDirectory
  let log: Logger
  let signInLog: SignInLog
  let now: @Sendable () -> Date

  /// - Parameters:
  ///   - settings: the whole settings of the receiver; its `console` member is read here.
  ///   - people: reads who may sign in; called for each request, so that whoever is removed is signed out.
  ///   - cost: what checking a password of nobody costs: that of the people.
  /// - Throws: ``SettingsError``.
  public init(
    _ settings: ReceiverSettings, inbox: Inbox, people: @escaping @Sendable () throws -> PeopleDirectory,
    cost: PasswordLock.Cost = .standard, log: Logger, now: @escaping @Sendable () -> Date
  ) throws(SettingsError) {
    let own = try ConsoleSettings(settings.console)
    try self.init(
      own, isTLS: settings.tls != nil, inbox: inbox, people: people, cost: cost, log: log, now: now)
  }

  init(
    _ settings: ConsoleSettings, isTLS: Bool, inbox: Inbox,
    people: @escaping @Sendable () throws -> PeopleDirectory, cost: PasswordLock.Cost = .standard,
    log: Logger,
    now: @escaping @Sendable () -> Date
  ) throws(SettingsError) {
    assets = ConsoleAssets()
    do {
      pages = try ConsolePages(templates: ConsoleAssets.templates, assets: assets.addresses)
      doorman = try Doorman(cost: cost)
    } catch {
      throw SettingsError("console", because: "\(error)", fix: "install staunch-receiver again")
    }
    self.inbox = inbox
    self.settings = settings
    self.people = people
    self.log = log
    signInLog = SignInLog(log)
    self.now = now
    sessions = Sessions(idleSeconds: settings.idleSeconds, absoluteSeconds: settings.sessionSeconds)
    authentication = Authentication(settings: settings, sessions: sessions, people: people, isTLS: isTLS)
    decisions = Decisions(
      inbox: inbox, doorman: doorman, signInLog: signInLog, people: people, now: now)
    events = EventStream(
      inbox: inbox, settings: settings, all: Quota(settings.streams),
      people: PeopleQuota(settings.streamsPerPerson))
  }

  public func respond(to request: Request, client: ClientAddress, context: ReceiverContext) async throws
    -> Response?
  {
    try await respond(to: request, client: client, peer: context.peer, isConnected: true, id: context.id)
  }

  public var signIns: [(outcome: String, count: Int)] { signInLog.all }

  /// - Parameters:
  ///   - peer: the other end of the connection, a proxy's address when there is one.
  ///   - id: the request's, in the log.
  func respond(
    to request: Request, client: ClientAddress, peer: String, isConnected: Bool = false, id: String = ""
  ) async throws -> Response? {
    let exchange = ConsoleExchange(
      request: request, client: client, peer: peer, isConnected: isConnected, id: id)
    let path = request.uri.path
    if let file = assets.files[path] {
      guard request.method == .get || request.method == .head else { return notAllowed("GET, HEAD") }
      return ConsoleResponse.asset(file)
    }
    guard let segments = ConsoleExchange.segments(path) else {
      guard path.hasPrefix("/api/v1/") else { return nil }
      return ConsoleResponse.problem(400, "bad request", detail: "The path is not well formed.")
    }
    let isAPI = segments.starts(with: ["api", "v1"])
    do {
      return isAPI
        ? try await api(Array(segments.dropFirst(2)), exchange) : try await page(segments, exchange)
    } catch let refusal as Refusal {
      return isAPI
        ? ConsoleResponse.problem(
          refusal.answer.status, refusal.reason.replacing("_", with: " "), detail: refusal.because)
        : ConsoleResponse.page(
          pages.message("Not taken", "The form was not readable: \(refusal.because).", in: try frame(nil)),
          status: refusal.answer.status)
    } catch let error as InboxError {
      log.error(
        "the console could not read or write the exchange file: \(error)", metadata: ["request": "\(id)"])
      return unavailable(
        "The exchange file could not be read or written (\(error.code.rawValue)). Nothing was stored.", isAPI)
    } catch let error as PeopleError {
      log.error("the people file could not be read: \(error)", metadata: ["request": "\(id)"])
      return unavailable("The people file could not be read. Nobody can sign in.", isAPI)
    }
  }

  /// Our own fault.
  private func unavailable(_ because: String, _ isAPI: Bool) -> Response {
    let fields = [("Retry-After", "5")]
    guard !isAPI else { return ConsoleResponse.problem(503, "try again", detail: because, fields: fields) }
    let frame = Frame(viewer: nil, now: now(), version: 0)
    return ConsoleResponse.page(
      pages.message("Not available", because, in: frame), status: 503, fields: fields)
  }

  func notAllowed(_ methods: String) -> Response {
    ConsoleResponse.problem(405, "method not allowed", fields: [("Allow", methods)])
  }

  /// What surrounds a page now.
  /// - Parameter here: path and query of the page.
  func frame(_ viewer: Viewer?, here: String = "/incidents", now moment: Date? = nil) throws -> Frame {
    let moment = moment ?? now()
    guard viewer != nil else { return Frame(viewer: nil, now: moment, version: 0) }
    // The version first: what changes meanwhile is shown again, never lost.
    let version = try inbox.boardVersion()
    return Frame(
      viewer: viewer, now: moment, version: version,
      storm: try inbox.document(kind: "storm", id: "current")?.document,
      undelivered: try inbox.messageCounts().undelivered, here: here, silence: try silence())
  }

  /// Nil while the worker leaves signs of life.
  private func silence() throws -> Frame.Silence? {
    guard let last = try inbox.lastBeat() else { return .always }
    let silence = now().timeIntervalSince(last)
    return silence > Inbox.longestSilence ? .lasting(Int(silence)) : nil
  }
}

/// One request, and what a form or a body of it says.
struct ConsoleExchange: Sendable {
  let request: Request
  let client: ClientAddress
  let peer: String
  /// False for a request that came over no connection.
  let isConnected: Bool
  /// The request's, in the log.
  let id: String

  /// The path's segments, decoded; nil when it is not well formed.
  static func segments(_ path: String) -> [String]? {
    var segments: [String] = []
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    // `//` is no path of ours: rules of a proxy would not see it as the one that they guard.
    for part in parts == [""] ? [] : parts {
      guard let text = part.removingPercentEncoding, !text.isEmpty, !text.unicodeScalars.contains("\0") else {
        return nil
      }
      segments.append(text)
    }
    return segments
  }

  /// Path and query as they were sent.
  var here: String { request.uri.path + (request.uri.query.map { "?" + $0 } ?? "") }

  /// The query, each name once; nil when there is none.
  /// - Throws: 400 when it is malformed.
  func fields() throws(Refusal) -> FormFields? {
    guard let query = request.uri.query, !query.isEmpty else { return nil }
    return try FormFields(Array(query.utf8))
  }

  func query(_ name: String) -> String? {
    // The percent-decoded first value.
    request.uri.queryParameters[name[...]].map { String($0) }
  }

  func bytes() async throws(Refusal) -> [UInt8] {
    let hold = ByteHold()
    return try await BodyReader(held: Quota(64 << 10)).read(request, limit: 64 << 10, into: hold)
  }

  func form() async throws(Refusal) -> FormFields {
    let type = (request.headers[.contentType] ?? "").prefix { $0 != ";" }.lowercased()
    guard type == "application/x-www-form-urlencoded" else { throw .mediaType("it is no form") }
    return try FormFields(try await bytes())
  }
}
