import Chronicle
import Foundation
import Incidents
import JSON

/// The facts of a post-mortem for programs.
enum PostMortemJSON {
  static func document(
    of record: IncidentRecord, repositories: [RepositoryEvidence], written: [String: String]
  )
    -> JSONValue
  {
    let asOf = record.events.last?.at ?? .distantPast
    let metrics = Metrics(of: record, repositories: repositories, now: asOf)
    let status = IncidentStatus(of: record, now: asOf)
    let words = Words(repositories)
    return [
      "schema": 1,
      "drill": .boolean(record.isDrill),
      "as_of": .string(Timestamp.text(asOf)),
      "journal_head": record.events.last.map {
        ["sequence": .integer($0.sequence), "hash": .string($0.hash)]
      } ?? .null,
      "incident": status.json,
      "instants": .object(
        Dictionary(
          metrics.instants.named.map { ($0.name, instant($0.instant)) },
          uniquingKeysWith: { first, _ in first })),
      "metrics": .array(
        metrics.all.map {
          [
            "id": .string($0.id), "title": .string($0.title), "formula": .string($0.formula),
            "text": .string($0.value.text), "value": value($0.value),
          ]
        }),
      "timeline": .array(
        Timeline(of: record, repositories: repositories).rows.map { row in
          [
            "at": .string(Timestamp.text(row.at)), "text": .string(words.clean(row.text).description),
            "quote": row.quote.map { .string(words.clean($0).description) } ?? .null,
            "certainty": .string(row.certainty.rawValue), "mark": .string(row.mark.rawValue),
            "evidence": evidence(row.evidence),
          ]
        }),
      "written": .object(written.mapValues { .string($0) }),
    ]
  }

  private static func instant(_ instant: MetricInstant) -> JSONValue {
    switch instant {
    case .known(let date, let certainty, let link):
      [
        "at": .string(Timestamp.text(date)), "certainty": .string(certainty.rawValue),
        "evidence": evidence(link),
      ]
    case .unknown(let reason): ["unknown": .string(reason)]
    }
  }

  private static func evidence(_ link: EvidenceLink) -> JSONValue {
    switch link {
    case .journal(let sequence, let hash): ["journal": .integer(sequence), "hash": .string(hash)]
    case .commit(let repository, let id): ["repository": .string(repository.rawValue), "commit": .string(id)]
    case .report(let text): ["report": .string(text)]
    case .external(let text): ["external": .string(text)]
    }
  }

  /// Durations are milliseconds.
  private static func value(_ value: MetricValue) -> JSONValue {
    switch value {
    case .duration(let duration): ["ms": .integer(milliseconds(duration))]
    case .atLeast(let duration): ["min_ms": .integer(milliseconds(duration))]
    case .atMost(let duration): ["max_ms": .integer(milliseconds(duration))]
    case .between(let low, let high):
      ["min_ms": .integer(milliseconds(low)), "max_ms": .integer(milliseconds(high))]
    case .share(let share): ["share": .number(share)]
    case .count(let part, let whole): ["count": .integer(part), "of": .integer(whole)]
    case .none(let reason): ["none": .string(reason)]
    case .unknown(let reason): ["unknown": .string(reason)]
    case .dataError(let duration, let reason):
      ["data_error": .string(reason), "ms": .integer(milliseconds(duration))]
    }
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
  }
}
