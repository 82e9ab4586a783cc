import Capabilities
import Foundation
import HTTP
import Secrets

/// `http-questions URL COUNT kept|fresh [PASSES]`
///
/// Asks the server at URL whether it accepts each of COUNT credentials, all at once through one client, PASSES times (1).
/// Prints a line for each pass: seconds, the process's memory in KiB, its descriptors, and how often the server said yes and no.
@main struct HTTPQuestions {
  static func main() async throws {
    let words = CommandLine.arguments
    guard words.count >= 4, let count = Int(words[2]), ["kept", "fresh"].contains(words[3]) else {
      print("usage: http-questions URL COUNT kept|fresh [PASSES]")
      exit(64)
    }
    let isFresh = words[3] == "fresh"
    let passes = words.count > 4 ? Int(words[4]) ?? 1 : 1
    let client = CurlTransport(TransportOptions(certificateAuthorities: environment("SSL_CERT_FILE")))
    for _ in 0..<passes {
      let began = ContinuousClock.now
      var told: [Int: Int] = [:]
      try await withThrowingTaskGroup(of: Int.self) { group in
        for index in 0..<count {
          let question = SafeRequest.get(
            words[1], headers: [("Authorization", .secret(prefix: "Bearer ", Secret("token-\(index)")))])
          group.addTask { try await client.fetch(isFresh ? question.alone(at: nil) : question).status }
        }
        for try await status in group { told[status, default: 0] += 1 }
      }
      let took = began.duration(to: .now) / .seconds(1)
      let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
      print(
        String(format: "%.4f", took), resident(), descriptors,
        told.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " "))
    }
  }

  private static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  /// KiB.
  private static func resident() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""  // not Linux: 0
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") } ?? ""
    return Int(line.filter(\.isNumber)) ?? 0
  }
}
