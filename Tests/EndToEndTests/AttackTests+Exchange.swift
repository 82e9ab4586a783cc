import Foundation
import JSON
import TestSupport
import Testing

/// 3 and 4: the endpoint's directory, which a taken-over endpoint writes as it likes.
extension AttackTests {
  @Test func `3: a person whom the endpoint plants is not trusted by people add, remove or password`()
    async throws
  {
    let site = try Site()
    try "four random words here".write(toFile: site.directory.path("pw"), atomically: true, encoding: .utf8)
    func people(_ arguments: String...) async throws -> StaunchBinary.Outcome {
      let outcome = try await site.binary.run(["people"] + arguments)
      #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      return outcome
    }
    let password = "file:" + site.directory.path("pw")
    _ = try await people("add", "maria", "--password-from", password)
    let copy = URL(filePath: site.state + "/exchange/people.json")
    let trust = URL(filePath: site.state + "/people.trust.json")
    for change in [
      ["add", "jonas", "--password-from", password],
      ["password", "maria", "--old-password-from", password, "--password-from", password],
      ["remove", "jonas"],
    ] {
      var document = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: copy)).object ?? [:]
      var list = document["people"]?.array ?? []
      var eve = try #require(list.first?.object)
      eve["name"] = "eve"
      eve["roles"] = ["repository-admin"]
      list.append(.object(eve))
      document["people"] = .array(list)
      try Data(JSONValue.object(document).canonicalText.utf8).write(to: copy)
      let outcome = try await site.binary.run(["people"] + change)
      #expect(outcome.errors.contains("eve"), "\(change): \(outcome.output)\(outcome.errors)")
      for file in [trust, copy] {
        #expect(try !String(contentsOf: file, encoding: .utf8).contains("eve"), "\(change)")
      }
    }
  }

  /// What is planted, and whether the worker must stop because of it or mark it and go on.
  static let plants: [(name: String, script: String, isRefused: Bool)] = [
    (
      "a trigger",
      "sqlite3.connect(path).execute(\"CREATE TRIGGER evil AFTER UPDATE ON deliveries BEGIN "
        + "UPDATE deliveries SET spool = '../../operator.key'; END\")", true
    ),
    ("a path as spool name", row("../../operator.key"), false),
    ("a pipe in the spool", row(uuid) + "os.mkdir(spool)\nos.mkfifo(spool + '/\(uuid)')\n", false),
    (
      "a link in the spool",
      row(uuid) + "os.mkdir(spool)\nos.symlink('../../operator.key', spool + '/\(uuid)')\n",
      false
    ),
    (
      "a link in the spool's place",
      row(uuid) + "os.symlink(os.path.dirname(os.path.dirname(path)), spool)\n", false
    ),
    (
      "decisions that cannot be read",
      "db = sqlite3.connect(path)\nfor d in ['{', '[]', 'x' * 300000]:\n"
        + "    db.execute('INSERT INTO decisions (document) VALUES (?)', (d,))\ndb.commit()\n", false
    ),
    ("values of other types than the table declares", anyTypes, false),
  ]
  private static let uuid = "0f0e0d0c-0b0a-4900-8807-060504030201"
  private static func row(_ spool: String) -> String {
    """
    spool = path + '.spool'
    db = sqlite3.connect(path)
    db.execute("INSERT INTO deliveries (route, source, id, is_id_signed, body_digest, received_at, spool) "
      "VALUES ('/r', 'report', '1', 1, 'd', 1790000000000, '\(spool)')")
    db.commit()

    """
  }
  /// SQLite checks types by the schema that the writer has read, and this one has read another.
  private static let anyTypes = """
    one = sqlite3.connect(path, isolation_level=None)
    names = ['decisions', 'deliveries']
    text = {n: one.execute('SELECT sql FROM sqlite_master WHERE name = ?', (n,)).fetchone()[0] for n in names}
    def put(change):
        one.execute('PRAGMA writable_schema = ON')
        for n in names: one.execute('UPDATE sqlite_master SET sql = ? WHERE name = ?', (change(text[n]), n))
    put(lambda s: s.replace(') STRICT', ')').replace('NOT NULL', '').replace(' TEXT', '')
      .replace('received_at INTEGER', 'received_at'))
    two = sqlite3.connect(path, isolation_level=None)
    bad = bytes([255, 254])
    two.execute("INSERT INTO decisions (document, state) VALUES (?, 'pending')", (bad,))
    two.execute("INSERT INTO deliveries (route, source, id, is_id_signed, body_digest, received_at, state) "
      "VALUES (?, ?, ?, 1, ?, 'soon', 'pending')", (bad, bad, bad, bad))
    put(lambda s: s)
    """

  @Test(arguments: plants.indices)
  func `4: what the endpoint plants is not run, not followed and not waited for, and stands in nobody's way`(
    index: Int
  ) async throws {
    let (name, script, isRefused) = Self.plants[index]
    let site = try Site()
    _ = try await site.respond()
    #expect(try await site.binary.run(["work", "--once"]).status == 0)
    let key = try Data(contentsOf: URL(filePath: site.state + "/operator.key"))
    try await site.attackExchange(script)
    for _ in 0..<2 {
      let worked = try await site.binary.run(["work", "--once"])
      #expect(
        worked.status == (isRefused ? 69 : 0), "\(name): \(worked.status) \(worked.errors.prefix(2000))")
      if isRefused { #expect(worked.errors.contains("the trigger evil"), "\(worked.errors)") }
    }
    #expect(try Data(contentsOf: URL(filePath: site.state + "/operator.key")) == key)
    #expect(try await site.binary.run(["journal", "verify"]).status == 0)
  }

  @Test func `4: a key that is gone beside its journal is an error, never a new key`() async throws {
    let site = try Site()
    let planned = try await site.respond()
    let key = site.state + "/operator.key"
    try FileManager.default.removeItem(atPath: key)
    for arguments in [
      ["note", "x", "--incident", planned.incident], ["work", "--once"], ["respond", "r.json"],
    ] {
      let outcome = try await site.binary.run(arguments)
      #expect(outcome.status == 69, "\(arguments): \(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: key))
    }
    // Looking needs no key: it opens no sealed value, however many there are.
    #expect(try await site.binary.run(["status"]).status == 0)
    #expect(!FileManager.default.fileExists(atPath: key))
  }
}
