import Foundation
import Simulators

/// Reads one HTTP/1.1 request from a connected socket.
enum RequestReader {
  private static let limit = 1 << 20

  /// - Returns: nil when the peer hangs up, sends no HTTP, or too much.
  static func read(_ connection: Int32) -> SimulatedRequest? {
    var bytes: [UInt8] = []
    let end = Array("\r\n\r\n".utf8)
    var head: Range<Int>?
    while head == nil {
      guard fill(&bytes, from: connection) else { return nil }
      head = bytes.firstRange(of: end)
    }
    guard let head else { return nil }
    var lines = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines.removeFirst().split(separator: " ")
    guard words.count == 3 else { return nil }
    var headers: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    guard (0...limit).contains(length) else { return nil }
    if headers["expect"]?.lowercased() == "100-continue" {
      let go = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
      guard send(connection, go, go.count, Int32(MSG_NOSIGNAL)) == go.count else { return nil }
    }
    while bytes.count < head.upperBound + length { guard fill(&bytes, from: connection) else { return nil } }
    return SimulatedRequest(
      method: String(words[0]), target: String(words[1]), headers: headers,
      body: Data(bytes[head.upperBound..<(head.upperBound + length)]))
  }

  private static func fill(_ bytes: inout [UInt8], from connection: Int32) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65536)
    let count = recv(connection, &chunk, chunk.count, 0)
    guard count > 0, bytes.count + count <= 2 * limit else { return false }
    bytes += chunk[..<count]
    return true
  }
}
