public import Capabilities
import Chronicle
public import Foundation
import GRDB
public import Incidents
public import JSON
import Secrets

/// A plan as it was saved.
public struct SavedPlan: Sendable, Hashable {
  public let id: PlanID
  public let digest: PlanDigest
  public let incident: IncidentID?
  public let created: Date
  /// What the planner wrote; the digest covers it.
  public let document: JSONValue

  public init(id: PlanID, digest: PlanDigest, incident: IncidentID?, created: Date, document: JSONValue) {
    self.id = id
    self.digest = digest
    self.incident = incident
    self.created = created
    self.document = document
  }
}

extension Journal {
  /// Saves `plan` with `events` (`plan.saved`) in one transaction. Saving the same id and digest again changes nothing.
  ///
  /// The document is kept as it is: its digest covers every byte, so nothing can be hidden in it.
  /// - Throws: `invalid` when it holds a leaked value that cannot be an ordinary word.
  public func save(_ plan: SavedPlan, with events: [NewEvent]) throws(JournalError) {
    guard !settings.redactor.holdsSecret(document: plan.document) else {
      throw JournalError(
        .invalid, "save the plan \(plan.id)", because: "it would hold a leaked value in clear",
        fix: "take the value out of staunch.yaml and the inputs, then plan again")
    }
    try writing("save the plan \(plan.id)") { db in
      if let digest = try String.fetchOne(
        db, sql: "SELECT digest FROM plans WHERE id = ?", arguments: [plan.id.rawValue])
      {
        guard digest == plan.digest.rawValue else {
          throw JournalError(.invalid, "save the plan \(plan.id)", because: "another plan has this id")
        }
        return
      }
      try db.execute(
        sql: "INSERT INTO plans (id, digest, incident, created, document) VALUES (?, ?, ?, ?, ?)",
        arguments: [
          plan.id.rawValue, plan.digest.rawValue, plan.incident?.rawValue, Timestamp.text(plan.created),
          plan.document.canonicalText,
        ])
      _ = try extend(db, with: events)
    }
  }

  /// The plan with this id, or with a digest that starts with it (at least six digits).
  ///
  /// - Throws: `notFound`; `invalid` when several digests start so.
  public func plan(_ name: String) throws(JournalError) -> SavedPlan {
    let operation = "find the plan \"\(name)\""
    let rows = try reading(operation) { db in
      if let row = try Row.fetchOne(
        db.cachedStatement(sql: "SELECT * FROM plans WHERE id = ?"), arguments: [name])
      {
        return [row]
      }
      guard name.count >= 6 else { return [] }
      // A range, which the index answers: all that starts so stands before what starts with the highest character.
      return try Row.fetchAll(
        db, sql: "SELECT * FROM plans WHERE digest >= ?1 AND digest < ?2 ORDER BY created DESC",
        arguments: [name, name + "\u{10FFFF}"])
    }
    guard let row = rows.first else {
      throw JournalError(
        .notFound, operation, because: "no plan has this id or digest", fix: "staunch status")
    }
    let digests = Set(rows.map { row -> String in row["digest"] })
    guard digests.count == 1 else {
      throw JournalError(
        .invalid, operation, because: "several plans' digests start so", fix: "give more digits")
    }
    return try savedPlan(row)
  }

  /// The plan of `run`, by what the journal says of the run, without reading any other plan; nil: nothing was approved or
  /// started of it yet, or its plan was pruned.
  public func plan(of run: RunID) throws(JournalError) -> SavedPlan? {
    let said = try events(run: run, kinds: [.planApproved, .runStarted], limit: 1).first
    let id: PlanID?
    switch said?.typed {
    case .planApproved(let word): id = word.plan
    case .runStarted(let start): id = start.plan
    default: id = nil  // only these two name it
    }
    guard let id else { return nil }
    do throws(JournalError) {
      let saved = try plan(id.rawValue)
      return saved.document["run"]?.string == run.rawValue ? saved : nil
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// Plans, newest first.
  public func plans(incident: IncidentID? = nil) throws(JournalError) -> [SavedPlan] {
    try reading("read the plans") { db in
      // Two questions: with one for both, SQLite uses no index.
      let rows =
        if let incident {
          try Row.fetchAll(
            db.cachedStatement(sql: "SELECT * FROM plans WHERE incident = ? ORDER BY created DESC, id"),
            arguments: [incident.rawValue])
        } else {
          try Row.fetchAll(db, sql: "SELECT * FROM plans ORDER BY created DESC, id")
        }
      return try rows.map { try savedPlan($0) }
    }
  }

  private func savedPlan(_ row: Row) throws(JournalError) -> SavedPlan {
    let text: String = row["document"]
    let created: String = row["created"]
    let incident: String? = row["incident"]
    do {
      return SavedPlan(
        id: PlanID(row["id"]), digest: PlanDigest(row["digest"]), incident: incident.map { IncidentID($0) },
        created: Timestamp.date(created) ?? .distantPast,
        document: try JSONValue(parsing: text, limits: .own))
    } catch {
      let id: String = row["id"]
      throw JournalError(.corrupt, "read the plan \(id)", because: "it cannot be read", fix: "plan again")
    }
  }
}
