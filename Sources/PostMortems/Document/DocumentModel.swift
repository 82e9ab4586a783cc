import Chronicle
import Foundation
import Incidents
import JSON

/// What a template can say: one member per machine part of the document. docs/TEMPLATES.md lists the names.
///
/// Mustache reads the members by reflection, so nothing in here may hold a secret: there are only texts, rows of texts and
/// marks.
struct DocumentModel: Sendable {
  typealias Citation = EvidenceIndex.Citation

  /// A name and what stands for it.
  struct Fact: Sendable {
    let name: DocumentText
    let value: DocumentText
    let source: Citation
  }

  /// A sentence with its evidence.
  struct Statement: Sendable {
    let statement: DocumentText
    let source: Citation
  }

  let isDrill: Bool
  let header: Header
  let summary: [DocumentText]
  let facts: [Fact]
  let locations: [Location]
  let locationsLeftOut: DocumentText?
  let repositories: [Repository]
  let coverage: DocumentText
  let exposureWindow: DocumentText
  let audits: [Audit]
  let signals: [Statement]
  let timeline: [Row]
  let instants: [NamedValue]
  let metrics: [NamedValue]
  let containment: [Statement]
  let proofs: [Proof]
  let sideEffects: [Statement]
  let rewrites: [Rewrite]
  let residual: [Residual]
  let messages: [Message]
  let decisions: [Decision]
  let actions: [ActionItem]
  let external: [DocumentText]
  let roles: [Role]
  let handOvers: [Statement]
  let questions: [DocumentText]
  let evidence: [EvidenceIndex.Entry]
  let drawing: TimelineDrawing
  /// What people wrote, by region; only pages show it.
  var written: [String: DocumentText] = [:]

  init(of record: IncidentRecord, repositories evidence: [RepositoryEvidence]) {
    let asOf = record.events.last?.at ?? .distantPast
    let metrics = Metrics(of: record, repositories: evidence, now: asOf)
    let status = IncidentStatus(of: record, now: asOf)
    var index = EvidenceIndex(record)
    let words = Words(evidence)

    isDrill = record.isDrill
    header = Header(record, status: status, metrics: metrics, asOf: asOf)
    summary = DocumentModel.summary(record, status: status, metrics: metrics, repositories: evidence)
    facts = DocumentModel.facts(record, words, &index)
    locations = DocumentModel.locations(record, &index)
    locationsLeftOut = DocumentModel.locationsLeftOut(record)
    repositories = evidence.map { Repository($0, &index) }
    coverage = DocumentText(metrics.metric("log_coverage")?.value.text ?? "unknown")
    exposureWindow = DocumentText(metrics.metric("exposure_window")?.value.text ?? "unknown")
    audits = DocumentModel.audits(record, metrics, now: asOf, words, &index)
    signals = DocumentModel.signals(record, &index)
    timeline = Timeline(of: record, repositories: evidence).rows.map { Row($0, words, &index) }
    instants = metrics.instants.named.map { NamedValue($0.name, $0.meaning, instant: $0.instant, &index) }
    self.metrics = metrics.all.map {
      NamedValue(
        name: DocumentText($0.title), meaning: DocumentText($0.formula), value: DocumentText($0.value.text))
    }
    containment = DocumentModel.containment(record, &index)
    proofs = record.credentials.map { Proof($0, &index) }
    sideEffects = DocumentModel.sideEffects(record, words, evidence, &index)
    rewrites = DocumentModel.rewrites(record, evidence, &index)
    residual = DocumentModel.residual(record, evidence)
    messages = DocumentModel.messages(record, since: status.detected, &index)
    decisions = DocumentModel.decisions(record, words, &index)
    actions = DocumentModel.actions(record, words, metrics, evidence)
    external = DocumentModel.external(status: status, metrics: metrics)
    roles = DocumentModel.roles(record)
    handOvers = DocumentModel.handOvers(record, words, &index)
    questions = DocumentModel.questions(status, metrics, evidence)
    drawing = TimelineDrawing(of: record, instants: metrics.instants)
    self.evidence = index.entries
  }
}

/// Cleans words that are not ours before they stand in a document.
struct Words {
  private let people: PeopleNames

  init(_ repositories: [RepositoryEvidence]) { people = PeopleNames(repositories.flatMap(\.people)) }
  init(_ names: [String]) { people = PeopleNames(names) }

  /// People become roles, and what looks like a credential is removed.
  func clean(_ text: String) -> DocumentText {
    DocumentText(people.replaced(in: SecretShapes.removed(from: text)))
  }
}
