import BuiltinContent
import Capabilities
import Execution
import Foundation
import Incidents
import Journal
import LocalSystem
import PostMortems
import Secrets

/// Writes an incident's post-mortem draft below the state directory, keeping what people wrote into an earlier one.
struct PostMortemFile: PostMortemWriter {
  let journal: Journal
  /// Where drafts go.
  let directory: String
  /// A team's own templates, by file name; nil: the built-in ones.
  let templates: String?
  let files: LocalFileSystem

  func draft(_ incident: IncidentID, run: RunID, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    let path = path(of: incident)
    let existing = await files.exists(path) ? try await files.read(path).exposeAsText() : nil
    try refuse(existing, of: incident, path)
    let text = try text(incident, existing: existing)
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CapabilityError(
        .refused, "write \(path)", because: "the directory cannot be made", fix: "make \(directory) writable")
    }
    try await files.replace(path, with: Secret(text), under: authority)
    return path
  }

  /// What people wrote into the draft goes on into the next one: not with a leaked value in it.
  private func refuse(_ existing: String?, of incident: IncidentID, _ path: String) throws(CapabilityError) {
    guard let existing else { return }
    let place: String?
    do { place = try EnteredText(about: incident, in: journal).place(in: existing) } catch {
      let failure = CommandFailure(after: error)
      throw CapabilityError(.refused, failure.what, because: failure.because, fix: failure.fix)
    }
    guard let place else { return }
    throw CapabilityError(
      .unsafe, "write \(path)", because: "what people wrote into it holds a leaked value at \(place)",
      fix: "take it out of \(path), then: staunch postmortem draft \(incident)")
  }

  /// Where an incident's draft is.
  func path(of incident: IncidentID) -> String { "\(directory)/\(incident).md" }

  /// The draft as one HTML page. - Parameter document: the Markdown draft, with what people wrote. Reads only.
  func page(_ incident: IncidentID, document: String) throws(CapabilityError) -> String {
    do {
      let events = try journal.events(incident: incident)
      // as evidence only
      let plans = try journal.plans(incident: incident).compactMap { try? Plan(json: $0.document) }
      return try PostMortem.page(
        events: events, repositories: RepositoryRecord.evidence(in: events, plans: plans), incident: incident,
        template: try template("postmortem.html.mustache"), document: document)
    } catch let error as JournalError {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    } catch let error as CapabilityError {
      throw error
    } catch {
      throw CapabilityError(.invalid, "draw the post-mortem", because: "\(error)")
    }
  }

  /// The draft's text. Reads only.
  func text(_ incident: IncidentID, existing: String?) throws(CapabilityError) -> String {
    do {
      let events = try journal.events(incident: incident)
      // as evidence only
      let plans = try journal.plans(incident: incident).compactMap { try? Plan(json: $0.document) }
      return try PostMortem.draft(
        events: events, repositories: RepositoryRecord.evidence(in: events, plans: plans), incident: incident,
        template: try template("postmortem.md.mustache"), existing: existing)
    } catch let error as JournalError {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    } catch let error as PostMortemError {
      throw CapabilityError(.invalid, "draft the post-mortem", because: "\(error)")
    } catch let error as CapabilityError {
      throw error
    } catch {
      throw CapabilityError(.invalid, "draft the post-mortem", because: "\(type(of: error))")
    }
  }

  /// The team's template of this name, else the built-in one.
  private func template(_ name: String) throws(CapabilityError) -> String {
    if let templates, let bytes = FileManager.default.contents(atPath: templates + "/" + name) {
      return String(decoding: bytes, as: UTF8.self)
    }
    guard let file = BuiltinContent.template("templates/" + name) else {
      throw CapabilityError(
        .configuration, "find the template \(name)", because: "this build does not hold it")
    }
    return file.text
  }
}
