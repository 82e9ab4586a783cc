public import Secrets

/// One occurrence of a pattern in an object or another piece of bytes. No value.
public struct ObjectHit: Sendable, Hashable, Codable {
  /// Where in an object the bytes stand; decides how they are cleaned.
  public enum Place: String, Sendable, Hashable, Codable {
    case blob
    /// The message of a commit or tag.
    case message
    /// author, committer or tagger line.
    case person
    /// Another header of a commit or tag (encoding, mergetag, tag name …).
    case header
    /// An entry's name in a tree.
    case path
  }
  public let object: ObjectID
  public let kind: ObjectKind
  public let place: Place
  /// First byte, from the start of the object's content.
  public let offset: Int
  /// Number of bytes.
  public let length: Int
  /// Line of the object's content, from 1. In a tree: the entry's number, from 1.
  public let line: Int
  /// Index in ``SecretPatterns/expressions``.
  public let pattern: Int
  public let form: SecretForm
}
