import Foundation
import HTTPTypes
import HummingbirdCore
import Inbox
import Incidents
import JSON
import Logging
import NIOCore
import People
import Secrets
import Synchronization
import TestSupport

@testable import Server

/// A console on an exchange file of its own, asked without a network in between.
final class ConsoleCaller: Sendable {
  static let password = "four random words here"
  static let start = Date(timeIntervalSince1970: 1_795_000_000)

  let directory: TemporaryDirectory
  let inbox: Inbox
  let key = InboxPrivateKey()
  let console: Console
  let people: Mutex<PeopleDirectory>
  let clock: Mutex<Date>
  /// True: the people file cannot be read.
  let isPeopleFileBroken = Mutex(false)

  /// - Parameters:
  ///   - header: as in the settings.
  ///   - log: where it writes; nil: nowhere.
  init(header: ConsoleSettings.Header? = nil, isTLS: Bool = false, log: Logger? = nil) throws {
    directory = try TemporaryDirectory(inMemory: true)
    inbox = try Inbox.open(path: directory.path("exchange.sqlite"), sealingTo: key.publicKey)
    try inbox.publish(BoardFixture(now: Self.start).documents)
    try inbox.beat(at: Self.start)
    people = Mutex(try Self.people())
    clock = Mutex(Self.start)
    var settings = ConsoleSettings()
    settings.header = header
    let log = log ?? .silent
    let box = Reach()
    console = try Console(
      settings, isTLS: isTLS, inbox: inbox,
      people: {
        guard let owner = box.owner else { return PeopleDirectory() }
        guard !owner.isPeopleFileBroken.withLock({ $0 }) else {
          return try PeopleDirectory(parsing: Array("{".utf8))
        }
        return owner.people.withLock { $0 }
      },
      cost: try Self.cost(), log: log, now: { box.owner?.clock.withLock { $0 } ?? Self.start })
    box.set(self)
  }

  /// Cheap passwords: what they cost has its own test.
  static func cost() throws -> PasswordLock.Cost {
    guard let cost = PasswordLock.Cost(n: 1 << 10, r: 8, p: 1) else {
      throw SupervisedServer.Failure(description: "no such cost")
    }
    return cost
  }

  static func people() throws -> PeopleDirectory {
    PeopleDirectory([
      try Person(name: "maria", roles: ["responder"], password: Secret(password), cost: cost()),
      try Person(
        name: "jonas", roles: ["responder", "repository-admin"], password: Secret(password), cost: cost()),
    ])
  }

  func publicKey(_ name: String) -> Data { people.withLock { $0[name]?.publicKey ?? Data() } }
  func pass(_ seconds: Double) { clock.withLock { $0 += seconds } }

  /// What the worker would read.
  func pending() throws -> [Decision] { try inbox.pendingDecisions() }

  struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let body: String
    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
    /// Null when the body is no JSON: a test then finds null where it expects a value.
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
  }

  func call(
    _ method: HTTPRequest.Method, _ path: String, body: String? = nil, headers: [String: String] = [:],
    peer: String = "127.0.0.1"
  ) async throws -> Answer {
    var fields = HTTPFields()
    for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
    if let body, fields[.contentLength] == nil { fields[.contentLength] = String(body.utf8.count) }
    let request = Request(
      head: HTTPRequest(
        method: method, scheme: "http", authority: "console.test", path: path, headerFields: fields),
      body: RequestBody(buffer: ByteBuffer(string: body ?? "")))
    let client = ClientAddress(peer: peer, forwarded: [], proxies: [])
    guard let response = try await console.respond(to: request, client: client, peer: peer) else {
      return Answer(status: 404, headers: HTTPFields(), body: "")
    }
    let text = Mutex("")
    try await response.body.write(CollectingWriter { piece in text.withLock { $0 += piece } })
    return Answer(status: response.status.code, headers: response.headers, body: text.withLock { $0 })
  }

  static func form(_ fields: [String: String]) -> String {
    let allowed = CharacterSet.alphanumerics
    return fields.map { "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")" }
      .joined(separator: "&")
  }

  static let formHeaders = [
    "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Origin": "null",
  ]

  /// Signs in by the form. - Returns: the session's cookie, and the token of its forms.
  func signIn(_ name: String = "maria", password: String = password) async throws -> (
    cookie: String, csrf: String
  )? {
    let page = try await call(.get, "/sign-in")
    let formCookie = Self.cookie(page) ?? ""
    let answer = try await call(
      .post, "/sign-in",
      body: Self.form([
        "name": name, "password": password, "csrf": Self.hidden("csrf", page.body), "to": "/incidents",
      ]),
      headers: Self.formHeaders.merging(["Cookie": formCookie]) { old, _ in old })
    guard answer.status == 303, let cookie = Self.cookie(answer) else { return nil }
    let home = try await call(.get, "/incidents", headers: ["Cookie": cookie])
    return (cookie, Self.hidden("csrf", home.body))
  }

  static func cookie(_ answer: Answer) -> String? {
    answer.header("Set-Cookie").map { String($0.prefix { $0 != ";" }) }
  }

  static func hidden(_ name: String, _ html: String) -> String {
    guard let range = html.range(of: "name=\"\(name)\" value=\"") else { return "" }
    return String(html[range.upperBound...].prefix { $0 != "\"" })
  }

  /// Sends a form of a signed-in person.
  func post(_ path: String, _ fields: [String: String], _ session: (cookie: String, csrf: String))
    async throws -> Answer
  {
    try await call(
      .post, path, body: Self.form(fields.merging(["csrf": session.csrf]) { old, _ in old }),
      headers: Self.formHeaders.merging(["Cookie": session.cookie]) { old, _ in old })
  }

  private final class Reach: Sendable {
    private struct Weak: Sendable { weak var value: ConsoleCaller? }
    private let held = Mutex(Weak())
    var owner: ConsoleCaller? { held.withLock { $0.value } }
    func set(_ owner: ConsoleCaller) { held.withLock { $0.value = owner } }
  }
}

/// Takes a response's body as text.
struct CollectingWriter: ResponseBodyWriter {
  let take: @Sendable (String) -> Void
  mutating func write(_ buffer: ByteBuffer) async throws { take(String(buffer: buffer)) }
  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
