import Foundation
import GitObjects
import Secrets

/// Makes a repository of any bytes, so that a fuzzer reaches what lies behind checksums, and runs the whole engine on it.
///
/// The first byte chooses: 0 reads records (below), anything else lays the rest down as an index and a pack as they are,
/// the index's length in two bytes first. A record is four bytes (kind, length high, length low, extra) and its payload:
/// kind 1 to 4 is a whole object, 6 a delta on the entry numbered `extra`, 7 a delta on the id `extra`; 8 added claims a
/// wrong size, 16 added takes the payload for the compressed stream itself. Entry n is found under the id n n n … n.
///
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
struct FuzzTarget: Sendable {
  private let directory: String

  init(directory: String) throws { self.directory = directory + "/git" }

  func exercise(_ bytes: [UInt8]) throws { try PackFuzzInput(bytes).exercise(in: directory) }
}

struct PackFuzzInput {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// What the engine looks for in it.
  static let secret = ["fuzz", "Secret", "0123456789"].joined()

  /// Scans and rewrites the repository in `directory`, which is emptied before.
  /// - Throws: whatever is not a `GitObjectsError`: those are the expected answer to a broken pack.
  func exercise(in directory: String) throws {
    try layDown(in: directory)
    do throws(GitObjectsError) {
      let patterns = try SecretPatterns(secrets: [Secret(PackFuzzInput.secret)], replacement: "gone")
      let objects = try RepositoryObjects(gitDirectory: directory)
      let tips = objects.ids(of: .commit) + objects.ids(of: .tag) + objects.ids(of: .tree)
      _ = try ObjectRewrite(objects: objects, patterns: patterns, tips: tips).run()
    } catch {
      guard error.code != .badPattern else { throw error }
    }
  }

  private func layDown(in directory: String) throws {
    let packs = directory + "/objects/pack"
    if FileManager.default.fileExists(atPath: directory) {
      try FileManager.default.removeItem(atPath: directory)
    }
    try FileManager.default.createDirectory(atPath: packs, withIntermediateDirectories: true)
    let (index, pack) = bytes.first == 0 ? built() : raw()
    try Data(index).write(to: URL(fileURLWithPath: packs + "/pack-fuzz.idx"))
    try Data(pack).write(to: URL(fileURLWithPath: packs + "/pack-fuzz.pack"))
  }

  private func raw() -> (index: [UInt8], pack: [UInt8]) {
    guard bytes.count > 3 else { return ([], bytes) }
    let length = min(bytes.count - 3, Int(bytes[1]) << 8 | Int(bytes[2]))
    return (Array(bytes[3..<(3 + length)]), Array(bytes[(3 + length)...]))
  }

  private func built() -> (index: [UInt8], pack: [UInt8]) {
    var entries: [UInt8] = []
    var offsets: [Int] = []
    var position = 1
    while position + 4 <= bytes.count, offsets.count < 255 {
      let (kind, extra) = (bytes[position], bytes[position + 3])
      let length = Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
      let payload = bytes[(position + 4)..<min(bytes.count, position + 4 + length)]
      let offset = 12 + entries.count
      position += 4 + payload.count
      entries += header(type: kind & 7, size: payload.count + (kind & 8 == 0 ? 0 : Int(extra)))
      if kind & 7 == 6 {
        entries += distance(offset - (offsets.isEmpty ? 0 : offsets[Int(extra) % offsets.count]))
      }
      if kind & 7 == 7 { entries += [UInt8](repeating: extra, count: 20) }
      entries += kind & 16 == 0 ? PackFuzzInput.stored(payload) : Array(payload)
      offsets.append(offset)
    }
    let count = PackFuzzInput.word(offsets.count)
    let trailer = [UInt8](repeating: 0, count: 20)
    var index: [UInt8] = [0xFF, 0x74, 0x4F, 0x63, 0, 0, 0, 2]
    for first in 0..<256 { index += PackFuzzInput.word(min(first + 1, offsets.count)) }
    for number in offsets.indices { index += [UInt8](repeating: UInt8(number), count: 20) }
    index += [UInt8](repeating: 0, count: 4 * offsets.count)
    for offset in offsets { index += PackFuzzInput.word(offset) }
    return (
      index + trailer + trailer, Array("PACK".utf8) + PackFuzzInput.word(2) + count + entries + trailer
    )
  }

  private func header(type: UInt8, size: Int) -> [UInt8] {
    var result: [UInt8] = [type << 4 | UInt8(size & 15)]
    var rest = size >> 4
    while rest > 0 {
      result[result.count - 1] |= 0x80
      result.append(UInt8(rest & 0x7F))
      rest >>= 7
    }
    return result
  }

  private func distance(_ value: Int) -> [UInt8] {
    var result = [UInt8(value & 0x7F)]
    var rest = value >> 7
    while rest > 0 {
      rest -= 1
      result.insert(0x80 | UInt8(rest & 0x7F), at: 0)
      rest >>= 7
    }
    return result
  }

  private static func word(_ value: Int) -> [UInt8] {
    [UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
  }

  /// A zlib stream with one stored block.
  private static func stored(_ payload: ArraySlice<UInt8>) -> [UInt8] {
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in payload {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    let (first, second) = (UInt8(payload.count & 255), UInt8(payload.count >> 8 & 255))
    return [0x78, 0x01, 1, first, second, ~first, ~second] + payload + word(Int(high << 16 | low))
  }
}
