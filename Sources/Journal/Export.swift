public import Foundation
import GRDB
import Incidents
import JSON
import Secrets

// An export is JSON Lines: `{"header":…}`, after retention `{"checkpoint":…}`, one object per event
// (`seq at run incident kind body hash`), and last `{"head":…}`. Another machine verifies it with the public key alone;
// the hash of an event covers the canonical JSON of its object without `hash`.
extension Journal {
  /// Writes the journal line by line; `line` has no line break.
  public func export(_ write: (_ line: String) throws -> Void) throws(JournalError) {
    try reading("export the journal") { db in
      try write("{\"header\":\(headerText)}")
      if let base = try Row.fetchOne(db, sql: "SELECT * FROM checkpoints ORDER BY seq DESC LIMIT 1") {
        try write(SignedHead(base).line("checkpoint"))
      }
      let rows = try Row.fetchCursor(
        db, sql: "SELECT seq, at, run, incident, kind, body, hash FROM events ORDER BY seq")
      while let row = try rows.next() {
        let text = HashChain.eventText(
          sequence: row[0], at: row[1], run: row[2], incident: row[3], kind: row[4], body: row[5])
        try write("\(text.dropLast()),\"hash\":\(JSONValue.quoted(row[6]))}")
      }
      if let head = try Row.fetchOne(db, sql: "SELECT * FROM head") {
        try write(SignedHead(head).line("head"))
      }
    }
  }
}

/// Verifies an export without the journal.
public enum JournalExport {
  /// - Parameters:
  ///   - lines: of the export, in order.
  ///   - publicKeys: Ed25519 keys (32 bytes) that may have signed the head; from a source of your own, never from the file.
  ///   - expected: as in ``Journal/verify(publicKeys:expecting:)``.
  public static func verify(
    _ lines: some Sequence<String>, publicKeys: [Data], expecting expected: String? = nil
  ) -> ChainVerification {
    var journal = ""
    var checker: ChainChecker?
    var head: SignedHead?
    func result(_ problem: ChainVerification.Problem?) -> ChainVerification {
      let hash = checker.flatMap { $0.sequence > 0 ? $0.hash : nil }
      return ChainVerification(count: checker?.count ?? 0, head: hash, problem: problem)
    }
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let place = "line \(index + 1)"
      // A line that is no JSON is reported as such.
      guard let value = try? JSONValue(parsing: line, limits: .own), head == nil else {
        return result(.unreadable(place: place))
      }
      if let document = value["header"] {
        guard checker == nil, let header = JournalHeader(json: document) else {
          return result(.unreadable(place: place))
        }
        journal = header.id
        checker = ChainChecker(
          after: 0, hash: HashChain.genesis(headerText: document.canonicalText), expecting: expected)
      } else if let document = value["checkpoint"] {
        guard let base = SignedHead(json: document), checker?.count == 0 else {
          return result(.unreadable(place: place))
        }
        guard base.isSigned(by: publicKeys, journal: journal) else {
          return result(.badSignature(identity: base.identity))
        }
        checker = ChainChecker(after: base.sequence, hash: base.hash, expecting: expected)
      } else if let document = value["head"] {
        guard let found = SignedHead(json: document) else { return result(.unreadable(place: place)) }
        head = found
      } else {
        guard var members = value.object, let sequence = value["seq"]?.integer,
          let hash = value["hash"]?.string,
          checker != nil
        else { return result(.unreadable(place: place)) }
        members["hash"] = nil
        let text = JSONValue.object(members).canonicalText
        if let problem = checker?.check(sequence: sequence, previous: nil, eventText: text, hash: hash) {
          return result(problem)
        }
      }
    }
    guard let checker else { return result(.unreadable(place: "the header")) }
    return result(checker.finish(journal: journal, head: head, publicKeys: publicKeys))
  }
}

extension SignedHead {
  func line(_ name: String) -> String {
    let document: JSONValue = [
      "seq": .integer(sequence), "hash": .string(hash), "identity": .string(identity),
      "signature": .string(Hex.text(signature)),
    ]
    return JSONValue.object([name: document]).canonicalText
  }

  init?(json: JSONValue) {
    guard let sequence = json["seq"]?.integer, let hash = json["hash"]?.string,
      let identity = json["identity"]?.string, let signature = json["signature"]?.string.flatMap(Hex.bytes)
    else { return nil }
    self.init(sequence: sequence, hash: hash, identity: identity, signature: Data(signature))
  }
}
