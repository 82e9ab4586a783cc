import Capabilities
import Foundation
import Incidents
package import JSON
package import Journal

/// The messages of the outbox for programs: stable, documented in docs/JSON.md.
package enum OutboxDocument {
  /// What `ticket list --json` prints; the console's board has the same.
  package static func of(_ entries: some Sequence<OutboxEntry>) -> JSONValue {
    ["schema": 1, "messages": .array(entries.map { of($0) })]
  }

  package static func of(_ entry: OutboxEntry) -> JSONValue {
    [
      "id": .string(entry.message.id), "tracker": .string(entry.tracker.rawValue),
      "incident": .string(entry.message.incident.rawValue), "event": .string(entry.message.event.rawValue),
      "state": .string(entry.state.rawValue), "attempts": .integer(entry.attempts),
      "next": .string(Timestamp.text(entry.next)), "remote": entry.remote.map { .string($0.id) } ?? .null,
      "reason": entry.reason.map { .string($0) } ?? .null,
    ]
  }
}
