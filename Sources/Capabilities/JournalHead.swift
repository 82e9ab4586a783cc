import Cryptography
public import Foundation
import Incidents

/// The journal's last event, as a message carries it into a ticket: what a copy of the whole state directory cannot take
/// back.
///
/// Signed by the installation, because others write into tickets too: without the signature anybody could stop a run by
/// quoting an event that never was.
public struct JournalHead: Sendable, Hashable, Codable {
  /// The journal's random id.
  public let journal: String
  public let sequence: Int
  /// The event's hash, in hex.
  public let hash: String
  /// When the head was taken (RFC 3339).
  public let at: String
  /// Ed25519, in base64.
  public let signature: String

  private init(journal: String, sequence: Int, hash: String, at: String, signature: String) {
    self.journal = journal
    self.sequence = sequence
    self.hash = hash
    self.at = at
    self.signature = signature
  }

  /// Takes and signs a head.
  public init(journal: String, sequence: Int, hash: String, at: Date, by identity: LocalIdentity) throws {
    let at = Timestamp.text(at)
    let bytes = Self.signed(journal: journal, sequence: sequence, hash: hash, at: at)
    self.init(
      journal: journal, sequence: sequence, hash: hash, at: at,
      signature: try identity.sign(bytes).base64EncodedString())
  }

  /// Words without a space, for a marker: format, journal, event, hash, instant, signature.
  public var text: String { "1 \(journal) \(sequence) \(hash) \(at) \(signature)" }

  /// Reads what ``text`` wrote; nil when it is something else.
  public init?(text: some StringProtocol) {
    let words = String(text).split(separator: " ").map { String($0) }
    guard words.count == 6, words[0] == "1", let sequence = Int(words[2]) else { return nil }
    self.init(journal: words[1], sequence: sequence, hash: words[3], at: words[4], signature: words[5])
  }

  /// Whether the installation with this public key (32 bytes) signed it.
  public func isSigned(by publicKey: Data) -> Bool {
    guard let signature = Data(base64Encoded: signature) else { return false }
    let bytes = Self.signed(journal: journal, sequence: sequence, hash: hash, at: at)
    // What is no key signs nothing.
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
    return key.isValidSignature(signature, for: bytes)
  }

  private static func signed(journal: String, sequence: Int, hash: String, at: String) -> Data {
    Data("staunch ticket head v1\n\(journal)\n\(sequence)\n\(hash)\n\(at)\n".utf8)
  }
}

/// A head as it stands in a ticket.
public struct PostedHead: Sendable, Hashable {
  public let head: JournalHead
  /// The ticket, for people: `acme/incidents#12`.
  public let place: String

  public init(_ head: JournalHead, in place: String) {
    self.head = head
    self.place = place
  }
}
