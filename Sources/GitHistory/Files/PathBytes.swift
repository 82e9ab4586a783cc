/// A path of the file system: bytes, because Linux and Git allow names that are not UTF-8.
struct PathBytes: Hashable, Sendable, Comparable {
  let bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }
  init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

  /// For people and for file names known to be ASCII; bytes that are not UTF-8 are replaced.
  var text: String { String(decoding: bytes, as: UTF8.self) }
  /// The part after the last `/`.
  var last: [UInt8] { Array(bytes[(bytes.lastIndex(of: 0x2F).map { $0 + 1 } ?? 0)...]) }
  /// Everything before the last `/`; empty when there is none.
  var parent: PathBytes { PathBytes(bytes: Array(bytes[..<(bytes.lastIndex(of: 0x2F) ?? 0)])) }

  static func / (path: PathBytes, component: String) -> PathBytes { path / Array(component.utf8) }
  static func / (path: PathBytes, component: [UInt8]) -> PathBytes {
    path.bytes.isEmpty ? PathBytes(bytes: component) : PathBytes(bytes: path.bytes + [0x2F] + component)
  }

  static func < (left: PathBytes, right: PathBytes) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// What stands in this path after `directory/`, or nil when it is not inside.
  func relative(to directory: PathBytes) -> PathBytes? {
    let prefix = directory.bytes + [0x2F]
    return bytes.starts(with: prefix) ? PathBytes(bytes: Array(bytes[prefix.count...])) : nil
  }

  func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    try (bytes + [0]).withUnsafeBytes { raw in
      guard let address = raw.bindMemory(to: CChar.self).baseAddress else {
        preconditionFailure("the array holds at least its terminating zero")
      }
      return try body(address)
    }
  }
}
