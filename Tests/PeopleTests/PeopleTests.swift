import Capabilities
import Foundation
import Incidents
import JSON
import People
import Secrets
import Testing

@Suite struct PeopleTests {
  /// Cheap, so that the tests are quick; the standard cost has its own test.
  private static func cost() throws -> PasswordLock.Cost {
    try #require(PasswordLock.Cost(n: 1 << 10, r: 8, p: 1))
  }
  private static let password = Secret("four random words here")

  private static func maria(roles: [String] = ["responder"]) throws -> Person {
    try Person(name: "maria", roles: roles, password: password, cost: cost())
  }

  @Test func `the right password opens the person's own key`() throws {
    let maria = try Self.maria()
    let identity = try #require(try maria.identity(password: Self.password))
    #expect(identity.publicKey == maria.publicKey)
    #expect(identity.fingerprint == maria.fingerprint)
  }

  @Test(arguments: [
    "", "four random words her", "Four random words here", String(repeating: "x", count: 5000),
  ])
  func `a wrong password opens nothing`(_ text: String) throws {
    #expect(try Self.maria().identity(password: Secret(text)) == nil)
  }

  @Test func `a letter composed by another keyboard is the same letter`() throws {
    let person = try Person(
      name: "joerg", roles: ["responder"], password: Secret("gr\u{FC}ne V\u{F6}gel singen"), cost: Self.cost()
    )
    #expect(try person.identity(password: Secret("gru\u{308}ne Vo\u{308}gel singen")) != nil)
  }

  @Test func `a record survives its file`() throws {
    var directory = PeopleDirectory()
    try directory.add(try Self.maria(roles: ["responder", "repository-admin"]))
    let read = try PeopleDirectory(parsing: directory.json.canonicalBytes)
    #expect(read == directory)
    #expect(try #require(read["maria"]).identity(password: Self.password) != nil)
  }

  @Test
  func `a record under another name does not open, so nobody becomes somebody else by editing the file`()
    throws
  {
    var json = try Self.maria().json.object ?? [:]
    json["name"] = "eve"
    #expect(try Person(json: .object(json)).identity(password: Self.password) == nil)
  }

  @Test func `the file never holds the private key or the password`() throws {
    let maria = try Self.maria()
    let identity = try #require(try maria.identity(password: Self.password))
    let text = maria.json.canonicalText
    #expect(!text.contains(Data(identity.secret.exposeAsBytes()).base64EncodedString()))
    #expect(!text.contains("four random words"))
  }

  @Test
  func `an older trusted file takes its seals from the copy, for the same name and key and for nobody else`()
    throws
  {
    let maria = try Self.maria()
    let planted = try Person(
      name: "eve", roles: ["repository-admin"], password: Self.password, cost: Self.cost())
    var greedy = maria
    greedy.roles = ["repository-admin"]
    let old: JSONValue = [
      "schema": 1,
      "people": [
        ["name": "maria", "key": .string(maria.publicKey.base64EncodedString()), "roles": ["responder"]]
      ],
    ]
    let read = try PeopleDirectory(
      trusted: old.canonicalBytes, copy: PeopleDirectory([greedy, planted]).json)
    #expect(read == PeopleDirectory([maria]))
    let alone = try PeopleDirectory(trusted: old.canonicalBytes, copy: nil)
    #expect(try #require(alone["maria"]).identity(password: Self.password) == nil)
    #expect(alone["maria"]?.publicKey == maria.publicKey)
  }

  @Test func `a new password opens the same key, the old one no longer`() throws {
    let maria = try Self.maria()
    let new = Secret("four other words now")
    let changed = try #require(try maria.changing(password: Self.password, to: new))
    #expect(changed.publicKey == maria.publicKey)
    #expect(try changed.identity(password: new) != nil)
    #expect(try changed.identity(password: Self.password) == nil)
    #expect(try maria.changing(password: new, to: new) == nil)
  }

  @Test func `a short password is refused`() throws {
    #expect(throws: PeopleError.self) {
      try Person(name: "maria", roles: ["responder"], password: Secret("elevenchars"), cost: Self.cost())
    }
  }

  @Test(arguments: ["", "Maria", "a b", "../x", "-x", String(repeating: "a", count: 65)])
  func `a name that does not fit is refused`(_ name: String) throws {
    #expect(throws: PeopleError.self) {
      try Person(name: name, roles: ["responder"], password: Self.password, cost: Self.cost())
    }
  }

  @Test(arguments: [(1 << 30, 8, 1), (1000, 8, 1), (1 << 15, 0, 1), (1 << 18, 16, 1), (2, 1, 1)])
  func `a cost that a changed file asks for is bounded`(n: Int, r: Int, p: Int) {
    #expect(PasswordLock.Cost(n: n, r: r, p: p) == nil)
  }

  @Test func `the standard cost is what OWASP advises`() {
    let cost = PasswordLock.Cost.standard
    #expect(cost.n == 1 << 15 && cost.r == 8 && cost.p == 3)
  }

  @Test func `an approval of the console is an ordinary approval, which the engine's own check accepts`()
    throws
  {
    let maria = try Self.maria()
    let identity = try #require(try maria.identity(password: Self.password))
    let at = Date(timeIntervalSince1970: 1_700_000_000.75)
    let digest = PlanDigest(String(repeating: "ab", count: 32))
    let said = SignedDecision.approve(digest, step: nil)
    let approval = try said.signed(by: identity, role: "responder", at: at)
    let plain = try identity.approve(digest, role: "responder", at: at)
    #expect(approval.digest == plain.digest && approval.identity == plain.identity)
    #expect(
      said.isSigned(plain.signature, role: "responder", at: approval.at, publicKey: maria.publicKey))
    #expect(said.isSigned(approval.signature, role: "responder", at: approval.at, publicKey: maria.publicKey))
  }

  @Test func `a signed skip is not an approval, and its reason cannot be changed`() throws {
    let maria = try Self.maria()
    let identity = try #require(try maria.identity(password: Self.password))
    let digest = PlanDigest(String(repeating: "ab", count: 32))
    let skip = SignedDecision.skip(digest, step: "scrub", reason: "no clone left")
    let signed = try skip.signed(
      by: identity, role: "responder", at: Date(timeIntervalSince1970: 1_700_000_000))
    func holds(_ decision: SignedDecision) -> Bool {
      decision.isSigned(signed.signature, role: "responder", at: signed.at, publicKey: maria.publicKey)
    }
    #expect(holds(skip))
    #expect(!holds(.approve(digest, step: "scrub")))
    #expect(!holds(.skip(digest, step: "scrub", reason: "because")))
    #expect(!holds(.skip(digest, step: "verify", reason: "no clone left")))
  }

  @Test
  func `what is signed about a run, a step's answer or an incident is nothing else, and stays as it is`()
    throws
  {
    let maria = try Self.maria()
    let identity = try #require(try maria.identity(password: Self.password))
    let digest = PlanDigest(String(repeating: "ab", count: 32))
    let all: [SignedDecision] = [
      .approve(digest, step: nil), .approve(digest, step: "a"), .skip(digest, step: "a", reason: "x"),
      .retry(digest, step: "a", reason: "x"), .retry(digest, step: "b", reason: "x"),
      .abort(digest, reason: "x"), .abort(digest, reason: "y"), .answer(digest, step: "a", fields: [:]),
      .answer(digest, step: "a", fields: ["b": "c"]), .answer(digest, step: "a", fields: ["b": "d"]),
      .close(incident: "inc-1", reason: "x"), .close(incident: "inc-2", reason: "x"),
      .releaseStorm(storm: "inc-1", reason: "x"),
    ]
    let at = Date(timeIntervalSince1970: 1_700_000_000)
    for one in all {
      let signed = try one.signed(by: identity, role: "responder", at: at)
      let held = all.filter {
        $0.isSigned(signed.signature, role: "responder", at: signed.at, publicKey: maria.publicKey)
      }
      #expect(held == [one])
    }
  }
}
