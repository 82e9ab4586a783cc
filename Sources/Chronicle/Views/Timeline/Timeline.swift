public import Foundation
import Incidents
import JSON

/// One line of the timeline: an instant, what happened and where that can be checked.
public struct TimelineRow: Sendable, Hashable {
  /// What a drawing shows the row as.
  public enum Mark: String, Sendable, Codable, Hashable {
    case introduced, pushed, published, detected, human, wait, alive, dead, unknown, effect, failure, clean
    case message, other
  }

  public let at: Date
  /// In our words; may hold names of files, refs and targets, so escape it.
  public let text: String
  /// A person's words or a system's message, verbatim.
  public let quote: String?
  public let certainty: Certainty
  public let evidence: EvidenceLink
  public let mark: Mark

  public init(
    at: Date, text: String, quote: String? = nil, certainty: Certainty, evidence: EvidenceLink, mark: Mark
  ) {
    self.at = at
    self.text = text
    self.quote = quote
    self.certainty = certainty
    self.evidence = evidence
    self.mark = mark
  }
}

/// What happened, in order of time: it starts before the incident, with the repository.
public struct Timeline: Sendable, Hashable {
  public let rows: [TimelineRow]

  /// Rows of the journal and of the repositories. Rows of one instant stay in the journal's order.
  ///
  /// Left out: locks, sealed values, intents that have an outcome, ends of steps, probes that repeat the last answer
  /// (the row that follows them counts them), and of sightings without anything in between all but the last.
  public init(of record: IncidentRecord, repositories: [RepositoryEvidence]) {
    let history = repositories.flatMap(Timeline.rows(of:))
    let journal = Timeline.rows(of: record)
    rows = (history + journal).enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
      .map(\.element)
  }

  private static func rows(of evidence: RepositoryEvidence) -> [TimelineRow] {
    var rows: [TimelineRow] = []
    let name = evidence.repository
    if let introduction = evidence.introduction {
      let refs = introduction.refs.isEmpty ? "" : " (reached by \(introduction.refs.joined(separator: ", ")))"
      rows.append(
        TimelineRow(
          at: introduction.authored, text: "First commit with the secret in \(name)\(refs)",
          certainty: .claimed,
          evidence: .commit(repository: name, id: introduction.commit), mark: .introduced))
    }
    if let push = evidence.firstPush {
      rows.append(
        TimelineRow(
          at: push.at, text: "First push of the secret to the forge, repository \(name)",
          certainty: .observed,
          evidence: .external(push.source), mark: .pushed))
    }
    if let published = evidence.published {
      rows.append(
        TimelineRow(
          at: published.at, text: "Repository \(name) readable beyond its intended audience",
          certainty: .observed,
          evidence: .external(published.source), mark: .published))
    }
    if let scan = evidence.freshScan {
      let result =
        (scan.isClean ? "clean" : "not clean") + (scan.objects.map { ", \($0) objects" } ?? "")
      rows.append(
        TimelineRow(
          at: scan.at, text: "Scan of a fresh clone of \(name): \(result)",
          certainty: .observed, evidence: .report("scan of a fresh clone of \(name)"),
          mark: scan.isClean ? .clean : .failure))
    }
    return rows
  }

  private static func rows(of record: IncidentRecord) -> [TimelineRow] {
    let outcomes = Set(record.events(.stepOutcome).map(StepKey.init))
    var lastState: [String: (state: CredentialState, repeats: Int)] = [:]
    var rows: [TimelineRow] = []
    var wasSighting = false
    for event in record.events {
      let isSighting = event.sighting != nil
      if isSighting, wasSighting { rows.removeLast() }
      wasSighting = isSighting
      switch event.typed {
      case .lockTaken, .lockReleased, .secretSealed, .stepDone: continue
      case .stepIntent where outcomes.contains(StepKey(event)): continue
      // The draft is written before its own outcome.
      case .stepIntent(let intent) where intent.action == "postmortem.draft": continue
      case .stepWaiting(let wait) where !wait.isForPerson: continue
      case .message(let message) where ["queued", "replaced"].contains(message.state): continue
      case .credentialProbed(let probe):
        let key = "\(probe.credential?.rawValue ?? "") \(probe.ref?.rawValue ?? "")"
        let state = probe.state ?? .unknown
        let repeats = lastState[key].flatMap { $0.state == state ? $0.repeats + 1 : nil } ?? 1
        lastState[key] = (state, repeats)
        // Equal answers that follow add nothing: the proof has a row of its own.
        if repeats != 1 { continue }
        rows.append(event.timelineRow)
      default:
        rows.append(event.timelineRow)  // every other kind is a row
      }
    }
    return rows
  }
}

private struct StepKey: Hashable {
  let run: RunID?
  let step: StepID?
  let item: Int?
  let phase: String?
  init(_ event: JournalEvent) {
    run = event.run
    step = event.step
    item = event.item
    phase =
      switch event.typed {
      case .stepIntent(let intent): intent.phase
      case .stepOutcome(let outcome): outcome.phase
      default: nil  // no call
      }
  }
}
