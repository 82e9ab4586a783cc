/// What a search of strangers' files does not go beyond. What lies behind a limit is named as not searched.
package struct ContentLimits: Sendable {
  /// Archives within archives.
  package var depth = 8
  /// Bytes that come out of all archives of one file.
  package var unpacked = 16 << 30
  /// Members of all archives of one file.
  package var members = 2_000_000
  /// An archive or database inside an archive that must be read from its end is held in memory up to here.
  package var held = 64 << 20
  /// Of a member's name, and of a header that extends one.
  package var header = 1 << 20
  /// Of all documents of one bucket or repository of images that lies elsewhere.
  package var remote = 256 << 30
  /// Hits of one content that are told one by one.
  package var hits = 1_000

  package init() {}

  package static func words(_ bytes: Int) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    for (size, name) in units where bytes >= size && bytes % size == 0 { return "\(bytes / size) \(name)" }
    return "\(bytes) bytes"
  }
}
