import Capabilities
import Foundation

/// The files that a configuration file brings in with `include.path` and `includeIf.….path`, looked at before libgit2 or Git
/// opens the first one: both follow every link of the chain, and a pipe in it would keep them waiting.
///
/// Read liberally: whatever looks like a `path` in any section is looked at, and only what cannot be a file is refused.
struct ConfigurationChain {
  /// Git follows no more (config.c, MAX_INCLUDE_DEPTH).
  private static let deepest = 10
  private static let largest = 8 << 20
  private var seen: Set<PathBytes> = []

  /// - Throws: `.unsafe` when a file of the chain is a pipe or a device, or too large to be a configuration.
  static func check(_ path: PathBytes) throws(CapabilityError) {
    var chain = ConfigurationChain()
    try chain.follow(path, depth: 0)
  }

  private mutating func follow(_ path: PathBytes, depth: Int) throws(CapabilityError) {
    guard depth <= Self.deepest, seen.insert(path).inserted else { return }
    try SpecialFiles.refuse(path)
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    guard depth == 0 || status.st_size <= Self.largest, seen.count <= 256 else {
      throw CapabilityError(
        .unsafe, "read \(path.text)", because: "it is no configuration that Git could have written",
        fix: "see which files it includes: git config --file '\(path.text)' --get-regexp '[.]path$'")
    }
    for value in Self.paths(in: try DurableFiles.read(path)) {
      guard let next = try resolve(value, in: path) else { continue }
      try follow(next, depth: depth + 1)
    }
  }

  /// Where `value` leads from the file `path`; nil: to the user's home or Git's own directory, which no repository fills.
  private func resolve(_ value: [UInt8], in path: PathBytes) throws(CapabilityError) -> PathBytes? {
    guard let first = value.first else { return nil }
    switch first {
    case UInt8(ascii: "/"): return PathBytes(bytes: value)
    case UInt8(ascii: "~"), UInt8(ascii: "%"):
      guard value.firstRange(of: Array("..".utf8)) == nil else {
        throw CapabilityError(
          .unsafe, "read \(path.text)",
          because: "it includes a file by way of another directory (~ or % with ..)",
          fix:
            "write that path without ..; this lists it: git config --file '\(path.text)' --get-regexp '[.]path$'"
        )
      }
      return nil
    default: return path.parent / value
    }
  }

  /// The value of everything that could be a key `path`.
  static func paths(in text: [UInt8]) -> [[UInt8]] {
    let key = Array("path".utf8)
    let lower = text.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    var found: [[UInt8]] = []
    for range in lower.ranges(of: key) {
      // `hooksPath` is another key.
      if range.lowerBound > 0, isKey(lower[range.lowerBound - 1]) { continue }
      var position = range.upperBound
      while position < text.count, [0x20, 0x09].contains(text[position]) { position += 1 }
      guard position < text.count, text[position] == UInt8(ascii: "=") else { continue }
      found.append(value(in: text, from: position + 1))
    }
    return found
  }

  /// A byte of a key's name, in lower case.
  private static func isKey(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
  }

  /// As git-config(1), "Syntax": quotes may be anywhere, a backslash at the end goes on in the next line, `#` and `;` end it.
  private static func value(in text: [UInt8], from start: Int) -> [UInt8] {
    var value: [UInt8] = []
    var isQuoted = false
    var position = start
    while position < text.count, text[position] != 0x0A {
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "#") where !isQuoted, UInt8(ascii: ";") where !isQuoted: return trimmed(value)
      case UInt8(ascii: "\\") where position < text.count:
        // Of the escapes only these two are part of a path.
        let next = text[position]
        position += 1
        if next == 0x0D, position < text.count, text[position] == 0x0A {
          position += 1
        } else if next != 0x0A {
          value.append(next)
        }
      default: value.append(byte)
      }
    }
    return trimmed(value)
  }

  private static func trimmed(_ value: [UInt8]) -> [UInt8] {
    let blank: Set<UInt8> = [0x20, 0x09, 0x0D]
    var rest = value[...].drop { blank.contains($0) }
    while let last = rest.last, blank.contains(last) { rest.removeLast() }
    return Array(rest)
  }
}
