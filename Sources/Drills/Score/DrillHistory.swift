import Foundation
import Incidents

/// The scores of earlier drills: one JSON object a line.
public struct DrillHistory: Sendable {
  private let path: String

  /// - Parameter path: a file; absent until the first drill.
  public init(path: String) { self.path = path }

  /// What the file holds.
  public struct Contents: Sendable {
    /// Oldest first.
    public let scores: [Score]
    /// Lines that cannot be read, for example of another version: drills all the same.
    public let unread: Int
  }

  /// - Throws: `.file` when there is a file that cannot be read: that is not "no drill yet".
  public func read() throws(DrillError) -> Contents {
    guard let data = FileManager.default.contents(atPath: path) else {
      var status = stat()
      guard stat(path, &status) != 0, errno == ENOENT else {
        throw DrillError(
          .file, "read \(path)", because: "it cannot be opened", fix: "ls -l \(path)")
      }
      return Contents(scores: [], unread: 0)
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .millisecondsSince1970
    var scores: [Score] = []
    var unread = 0
    for line in data.split(separator: UInt8(ascii: "\n")) {
      do { scores.append(try decoder.decode(Score.self, from: line)) } catch { unread += 1 }
    }
    return Contents(scores: scores, unread: unread)
  }

  /// Earlier drills that `score` may be compared with: the same scenario and playbooks.
  public func comparable(with score: Score) throws(DrillError) -> [Score] {
    try read().scores.filter {
      $0.scenario == score.scenario && $0.digest == score.digest && $0.at < score.at
    }
  }

  /// Adds a line.
  public func append(_ score: Score) throws(DrillError) {
    try Folder.create((path as NSString).deletingLastPathComponent)
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .millisecondsSince1970
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      let line = try encoder.encode(score) + Data("\n".utf8)
      if !FileManager.default.fileExists(atPath: path) {
        try Data().write(to: URL(filePath: path))
      }
      let handle = try FileHandle(forWritingTo: URL(filePath: path))
      defer { try? handle.close() }  // written and synchronised before
      try handle.seekToEnd()
      try handle.write(contentsOf: line)
      try handle.synchronize()
    } catch {
      throw DrillError(.file, "write \(path)", because: plainReason(of: error))
    }
  }

  /// n, min, median and max of machine time, in milliseconds; nil without a drill.
  public static func spread(_ scores: [Score]) -> (count: Int, least: Int, median: Int, most: Int)? {
    let times = scores.map(\.machine).sorted()
    guard let least = times.first, let most = times.last else { return nil }
    let middle = times.count / 2
    let median = times.count.isMultiple(of: 2) ? (times[middle - 1] + times[middle]) / 2 : times[middle]
    return (times.count, least, median, most)
  }
}
