public import Capabilities
import Foundation
import JSON

/// A drill refuses every target that is not on this machine's loopback, whatever wrote its configuration.
public enum LoopbackRule {
  /// - Throws: ``DrillError`` `production`, naming the target and the setting.
  public static func check(_ targets: [TargetConfiguration]) throws(DrillError) {
    for target in targets {
      if target.settings["production"]?.boolean == true {
        throw refusal(target, "it is marked as production")
      }
      for (key, value) in target.settings.sorted(by: { $0.key < $1.key }) {
        for text in texts(value) {
          if let host = host(text, key: key), !loopback.contains(host) {
            throw refusal(target, "\"\(key)\" names the host \(host), which is not loopback")
          }
        }
      }
    }
  }

  private static let loopback: Set<String> = ["127.0.0.1", "localhost", "::1", "[::1]"]

  /// The host that a setting names, or nil when it names none.
  private static func host(_ text: String, key: String) -> String? {
    if key == "host" { return text.hasPrefix("/") ? nil : text }  // a unix socket's directory
    guard let parts = URLComponents(string: text), let scheme = parts.scheme, text.contains("://"),
      scheme != "file"
    else { return nil }
    return parts.host ?? text
  }

  private static func texts(_ value: JSONValue) -> [String] {
    switch value {
    case .string(let text): [text]
    case .array(let elements): elements.flatMap(texts)
    case .object(let members): members.values.flatMap(texts)
    case .null, .boolean, .integer, .number: []
    }
  }

  private static func refusal(_ target: TargetConfiguration, _ because: String) -> DrillError {
    DrillError(
      .production, "start the drill", because: "\(target.position): \(target.name): \(because)",
      fix: "drills run in their own sandbox: use a scenario of staunch drill list")
  }
}
