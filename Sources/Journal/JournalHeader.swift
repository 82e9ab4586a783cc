import Cryptography
public import Foundation
import Incidents
public import JSON
import Secrets

/// What a journal says about itself; its hash is the start of the chain, so DRILL cannot be taken off later.
public struct JournalHeader: Sendable, Hashable {
  /// Random; tells two journals apart.
  public let id: String
  public let created: Date
  /// A drill's journal: every event of it is practice.
  public let isDrill: Bool

  public init(id: String, created: Date, isDrill: Bool) {
    self.id = id
    self.created = created
    self.isDrill = isDrill
  }

  /// `{"created","drill","format":"staunch-journal","id","version":1}`
  public var json: JSONValue {
    [
      "format": "staunch-journal", "version": 1, "id": .string(id), "drill": .boolean(isDrill),
      "created": .string(Timestamp.text(created)),
    ]
  }

  /// Reads what ``json`` wrote; nil when it is something else.
  public init?(json: JSONValue) {
    guard json["format"] == "staunch-journal", json["version"] == 1, let id = json["id"]?.string,
      let isDrill = json["drill"]?.boolean, let created = json["created"]?.string.flatMap(Timestamp.date)
    else { return nil }
    self.init(id: id, created: created, isDrill: isDrill)
  }
}

/// The hash chain: SHA-256 over the previous hash (32 bytes) and the event's canonical JSON (RFC 8785).
///
/// The first event's "previous hash" is SHA-256 of the header's canonical JSON.
public enum HashChain {
  /// The previous hash of event 1, in hex.
  static func genesis(headerText: String) -> String { Hex.text(SHA256.hash(data: Data(headerText.utf8))) }

  /// The hash, in hex, of an event whose canonical JSON is `eventText`.
  static func hash(previous: String, eventText: String) -> String {
    var sha = SHA256()
    sha.update(data: Hex.bytes(previous) ?? [])
    sha.update(data: Data(eventText.utf8))
    return Hex.text(sha.finalize())
  }

  /// The canonical JSON of an event, built from its stored columns; `body` is canonical already.
  static func eventText(
    sequence: Int, at: String, run: String?, incident: String?, kind: String, body: String
  ) -> String {
    "{\"at\":\(JSONValue.quoted(at)),\"body\":\(body),\"incident\":\(quoted(incident)),"
      + "\"kind\":\(JSONValue.quoted(kind)),\"run\":\(quoted(run)),\"seq\":\(sequence)}"
  }

  /// What the head's signature covers.
  static func signedHead(journal: String, sequence: Int, hash: String) -> Data {
    Data("staunch journal head v1\n\(journal)\n\(sequence)\n\(hash)\n".utf8)
  }

  private static func quoted(_ text: String?) -> String { text.map(JSONValue.quoted) ?? "null" }
}
