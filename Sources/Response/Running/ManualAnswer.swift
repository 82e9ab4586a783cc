package import Capabilities
import Foundation
import Playbooks

/// What a person typed for a manual step.
package enum ManualAnswer {
  /// What is asked for, and how it is written: `contained (timestamp, such as 2026-11-24T03:09:42Z)`.
  package static func asked(_ name: String, _ type: ValueType) -> String {
    "\(name) (\(type)\(example(of: type).map { ", such as \($0)" } ?? ""))"
  }

  /// Nil where none is needed.
  package static func example(of type: ValueType) -> String? {
    switch type {
    case .timestamp: "2026-11-24T03:09:42Z"
    case .duration: "5m"
    case .url: "https://tickets.example/7"
    case .boolean: "yes"
    case .list(let element): example(of: element).map { "\($0),…" } ?? "a,b"
    case .string, .integer, .any, .secret, .credential, .store, .consumer, .repository, .tracker, .incident:
      nil
    }
  }

  /// `text` as a value of `type`; lists are separated by commas.
  package static func value(_ text: String, as type: ValueType) -> Value? {
    switch type {
    case .list(let element):
      let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      let values = parts.compactMap { value($0, as: element) }
      return values.count == parts.count ? .list(values) : nil
    case .integer: return Int(text).map { .integer($0) }
    case .boolean:
      return ["true", "yes", "y"].contains(text.lowercased())
        ? .boolean(true) : ["false", "no", "n"].contains(text.lowercased()) ? .boolean(false) : nil
    case .any: return .string(text)
    case .string, .duration, .timestamp, .url, .credential, .store, .consumer, .repository, .tracker,
      .incident:
      return Value.string(text).coerced(to: type)
    case .secret: return nil  // a secret is never typed into a journal
    }
  }
}
