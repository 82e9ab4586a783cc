import Cryptography

/// Two words and a number by which people call an incident on the phone, for example `calm-otter-482130`. The id decides them.
/// Two words alone met after some forty incidents; with the number two of ten thousand do so in one of thirty installations.
public enum Codename {
  private static let qualities = [
    "amber", "brave", "brisk", "calm", "clear", "crisp", "dapper", "eager", "early", "fair", "fleet", "fresh",
    "gentle", "glad", "golden", "grand", "hardy", "humble", "jolly", "keen", "kind", "lively", "lucky",
    "mellow",
    "merry", "noble", "patient", "plucky", "proud", "quick", "quiet", "silver", "spry", "steady", "sunny",
    "tidy",
  ]
  private static let animals = [
    "badger", "beaver", "bison", "crane", "curlew", "dolphin", "eagle", "falcon", "ferret", "finch", "gannet",
    "gecko", "heron", "ibex", "jackdaw", "kestrel", "lark", "lemur", "lynx", "marten", "narwhal", "osprey",
    "otter",
    "owl", "panda", "plover", "puffin", "quail", "raven", "robin", "salmon", "seal", "stork", "swift",
    "tapir",
    "walrus",
  ]

  /// The codename of `id`.
  public static func of(_ id: IncidentID) -> String {
    let digest = Array(SHA256.hash(data: Array("codename/v1\0\(id.rawValue)".utf8)))
    let first = Int(digest[0]) << 8 | Int(digest[1])
    let second = Int(digest[2]) << 8 | Int(digest[3])
    let number = digest[4..<8].reduce(0) { $0 << 8 | Int($1) } % 1_000_000
    let digits = String(1_000_000 + number).dropFirst()
    return qualities[first % qualities.count] + "-" + animals[second % animals.count] + "-" + digits
  }
}
