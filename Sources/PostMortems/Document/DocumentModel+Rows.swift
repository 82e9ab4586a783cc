import Chronicle
import Foundation
import Incidents
import JSON

extension DocumentModel {
  /// Section 1.
  struct Header: Sendable {
    let id, codename, kind, severity, status, date, asOf: DocumentText
    let headNumber, headHash, toolVersion, playbook, playbookHash, plan, runs: DocumentText
    /// `live`, `dead` or `removed`: tells the lint whether links may point at the leak.
    let leak: DocumentText

    init(_ record: IncidentRecord, status: IncidentStatus, metrics: Metrics, asOf: Date) {
      let started = record.events(.runStarted).last.map { RunStarted($0.body) }
      let saved = record.events(.planSaved).last.map { PlanSaved($0.body) }
      let runs = record.events(.runStarted).compactMap { $0.run?.rawValue }
      id = DocumentText(record.id.rawValue)
      codename = DocumentText(status.codename)
      kind = DocumentText(status.kind.rawValue)
      severity = DocumentText(status.severity.rawValue)
      self.status = DocumentText(status.state.rawValue)
      date = DocumentText(Timestamp.text(status.detected))
      self.asOf = DocumentText(Timestamp.text(asOf))
      headNumber = DocumentText(record.events.last.map { String($0.sequence) } ?? "none")
      headHash = DocumentText(record.events.last?.hash ?? "none")
      toolVersion = DocumentText(started?.toolVersion ?? "unknown (no run started)")
      playbook = DocumentText(saved?.playbook?.rawValue ?? "unknown (no plan saved)")
      playbookHash = DocumentText(saved?.playbookHash ?? "unknown")
      plan = DocumentText(status.plan?.digest ?? "unknown (no plan saved)")
      self.runs = DocumentText(runs.isEmpty ? "none" : runs.joined(separator: ", "))
      let isDead = metrics.instants.proven.date != nil
      leak = isDead ? (metrics.instants.clean.date != nil ? "removed" : "dead") : "live"
    }
  }

  /// Section 8.
  struct Row: Sendable {
    let instant: DocumentText
    let event: DocumentText
    /// Empty when nobody is quoted.
    let quote: DocumentText
    let isQuoted: Bool
    let certainty: DocumentText
    let source: Citation

    init(_ row: TimelineRow, _ words: Words, _ index: inout EvidenceIndex) {
      instant = DocumentText(Timestamp.text(row.at))
      event = words.clean(row.text)
      quote = words.clean(row.quote ?? "")
      isQuoted = row.quote?.isEmpty == false
      certainty = DocumentText(row.certainty.rawValue)
      source = index.cite(row.evidence)
    }
  }

  /// Section 9: an instant or a metric.
  struct NamedValue: Sendable {
    let name: DocumentText
    let meaning: DocumentText
    let value: DocumentText
    var certainty: DocumentText = ""
    var source: Citation?
    var isKnown: Bool { source != nil }

    init(name: DocumentText, meaning: DocumentText, value: DocumentText) {
      self.name = name
      self.meaning = meaning
      self.value = value
    }

    init(_ name: String, _ meaning: String, instant: MetricInstant, _ index: inout EvidenceIndex) {
      self.name = DocumentText(name)
      self.meaning = DocumentText(meaning)
      switch instant {
      case .known(let date, let certainty, let evidence):
        value = DocumentText(Timestamp.text(date))
        self.certainty = DocumentText(certainty.rawValue)
        source = index.cite(evidence)
      case .unknown(let reason): value = DocumentText("unknown (\(reason))")
      }
    }
  }

  /// Section 4.
  struct Location: Sendable {
    let place: DocumentText
    let path: DocumentText
    let commit: DocumentText
    let source: Citation

    init(_ place: IncidentReport.ReportedLocation, source: Citation) {
      let line = place.line.map { ":\($0)" } ?? ""
      self.place = DocumentText(place.repository ?? "")
      path = DocumentText((place.path ?? "unknown") + line)
      commit = DocumentText(String(place.commit?.prefix(12) ?? ""))
      self.source = source
    }
  }

  struct Repository: Sendable {
    let repository, visibility, firstCommit, firstPush, refs, forks, pullRequests: DocumentText

    init(_ evidence: RepositoryEvidence, _ index: inout EvidenceIndex) {
      repository = DocumentText(evidence.repository.rawValue)
      visibility = DocumentText(evidence.visibility ?? "unknown (the forge was not asked)")
      firstCommit =
        evidence.introduction.map {
          _ = index.cite(.commit(repository: evidence.repository, id: $0.commit))
          return DocumentText("\($0.commit.prefix(12)), \(Timestamp.text($0.authored)) (claimed)")
        } ?? "unknown (the history was not read)"
      firstPush = DocumentText(
        evidence.firstPush.map { "\(Timestamp.text($0.at)) (\($0.source))" } ?? "unknown (no forge record)")
      refs = DocumentText(
        evidence.introduction?.refs.joined(separator: ", ") ?? "unknown (the history was not read)")
      forks = DocumentText(evidence.forks.map(String.init) ?? "unknown (the forge was not asked)")
      pullRequests = DocumentText(
        evidence.pullRequests.map(String.init) ?? "unknown (the forge was not asked)")
    }
  }

  /// Section 6.
  struct Audit: Sendable {
    let step, seen, coverage, findings: DocumentText
    let source: Citation
  }

  /// Section 12.
  struct Proof: Sendable {
    let credential, subject, state, firstRejection, rejections, lastAccepted, answer: DocumentText
    let source: Citation

    init(_ credential: CredentialRecord, _ index: inout EvidenceIndex) {
      self.credential = DocumentText(credential.credential.rawValue)
      subject = DocumentText(credential.subject.rawValue)
      state = DocumentText(credential.state.rawValue)
      firstRejection = DocumentText(credential.firstRejection.map { Timestamp.text($0.at) } ?? "none")
      rejections = DocumentText("\(credential.rejections) of \(credential.probes.count)")
      lastAccepted = DocumentText(credential.lastAccepted.map { Timestamp.text($0.at) } ?? "none")
      let decisive = credential.firstRejection ?? credential.probes.last
      answer = DocumentText(decisive?.code ?? "")
      source = index.cite(decisive?.evidence ?? .external("no probe"))
    }
  }

  /// Section 14.
  struct Rewrite: Sendable {
    let repository, changed, signatures, backup, freshScan: DocumentText
  }

  struct Residual: Sendable {
    let repository, place, why, fix: DocumentText
    init(_ repository: String, _ residual: RepositoryEvidence.Rewrite.Residual) {
      self.repository = DocumentText(repository)
      place = DocumentText(residual.place)
      why = DocumentText(residual.why)
      fix = DocumentText(residual.fix)
    }
  }

  /// Section 16.
  struct Message: Sendable {
    let instant, elapsed, tracker, event, state: DocumentText
    let source: Citation
  }

  /// Section 19.
  struct Decision: Sendable {
    let instant, decision, role: DocumentText
    let reason: DocumentText
    let source: Citation
  }

  /// Section 20.
  struct ActionItem: Sendable {
    let action, type, owner, doneTest: DocumentText
  }

  /// Section 23.
  struct Role: Sendable {
    let role: DocumentText
    let acts: DocumentText
  }
}
