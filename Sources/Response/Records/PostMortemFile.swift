import BuiltinContent
package import Capabilities
import Chronicle
import Execution
import Foundation
package import Incidents
package import JSON
package import Journal
package import PostMortems
import Secrets

/// Writes an incident's post-mortem draft below the state directory, keeping what people wrote into an earlier one.
package struct PostMortemFile: PostMortemWriter {
  package let journal: Journal
  /// Where drafts go.
  package let directory: String
  /// A team's own templates, by file name; nil: the built-in ones.
  package let templates: String?
  package let files: any FileSystem

  package init(journal: Journal, directory: String, templates: String?, files: any FileSystem) {
    self.journal = journal
    self.directory = directory
    self.templates = templates
    self.files = files
  }

  package func draft(_ incident: IncidentID, run: RunID, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    let path = path(of: incident)
    let earlier = try earlier(at: path)
    try refuse(earlier?.text, of: incident, path)
    let draft = try redraft(incident, earlier: earlier?.text)
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CapabilityError(
        .refused, "write \(path)", because: "the directory cannot be made", fix: "make \(directory) writable")
    }
    if let earlier, draft.isTouched || earlier.isConverted, let copy = earlier.copyName(for: draft.text) {
      try await files.replace(copy, with: Secret(SecretBytes(copying: earlier.bytes)), under: authority)
    }
    try await files.replace(path, with: Secret(draft.text), under: authority)
    return path
  }

  /// What people wrote into the draft goes on into the next one: not with a leaked value in it.
  package func refuse(_ existing: String?, of incident: IncidentID, _ path: String) throws(CapabilityError) {
    guard let existing else { return }
    let place: String?
    do { place = try EnteredText(about: incident, in: journal).place(in: existing) } catch {
      let known = error as? JournalError
      throw CapabilityError(
        .refused, known?.operation ?? "write \(path)", because: known?.because ?? plainReason(of: error),
        fix: known?.fix)
    }
    guard let place else { return }
    throw CapabilityError(
      .unsafe, "write \(path)", because: "what people wrote into it holds a leaked value at \(place)",
      fix: "take it out of \(path), then: staunch postmortem draft \(incident)")
  }

  /// Where an incident's draft is.
  package func path(of incident: IncidentID) -> String { "\(directory)/\(incident).md" }

  /// What stands at a path already.
  package struct Earlier {
    package let path: String
    package let bytes: [UInt8]
    package let text: String
    /// It is not plain UTF-8.
    package let isConverted: Bool

    /// The name for a copy of it, which replaces nothing; nil when nothing is lost with it.
    package func copyName(for text: String) -> String? {
      PostMortemFile.copyName(of: path, bytes, replacedBy: text)
    }
  }

  /// The name for a copy of `bytes`; nil when `text` is the same, or such a copy is there.
  package static func copyName(of path: String, _ bytes: [UInt8], replacedBy text: String) -> String? {
    guard bytes != Array(text.utf8) else { return nil }
    for number in 1... {
      let name = number == 1 ? path + ".bak" : "\(path).\(number).bak"
      guard FileManager.default.fileExists(atPath: name) else { return name }
      if FileManager.default.contents(atPath: name) == Data(bytes) { return nil }
    }
    return nil
  }

  /// The file at `path`; nil when there is none. - Throws: when it cannot be read, or is no text.
  package func earlier(at path: String) throws(CapabilityError) -> Earlier? {
    guard let bytes = try Self.bytes(at: path) else { return nil }
    do throws(PostMortemError) {
      let (text, isConverted) = try DocumentBytes.text(of: bytes, name: path)
      return Earlier(path: path, bytes: bytes, text: text, isConverted: isConverted)
    } catch {
      throw CapabilityError(.invalid, "read \(path)", because: error.because, fix: error.fix)
    }
  }

  /// Nil when there is no such file. What is there and cannot be read is never taken for nothing.
  package static func bytes(at path: String) throws(CapabilityError) -> [UInt8]? {
    do {
      return Array(try Data(contentsOf: URL(filePath: path)))
    } catch {
      guard access(path, F_OK) != 0, errno == ENOENT || errno == ENOTDIR else {
        throw CapabilityError(
          .refused, "read \(path)", because: "what is there cannot be read",
          fix: "make it a readable file, or choose another one: staunch postmortem draft with --output")
      }
      return nil
    }
  }

  /// The draft as one HTML page. - Parameter document: the Markdown draft, with what people wrote. Reads only.
  package func page(_ incident: IncidentID, document: String?) throws(CapabilityError) -> String {
    let template = try template("postmortem.html.mustache")
    return try evidence(incident) { events, repositories throws(PostMortemError) in
      try PostMortem.page(
        events: events, repositories: repositories, incident: incident, template: template, document: document
      )
    }
  }

  /// The same facts for programs. Reads only.
  package func json(_ incident: IncidentID, document: String?) throws(CapabilityError) -> JSONValue {
    try evidence(incident) { events, repositories throws(PostMortemError) in
      try PostMortem.json(
        events: events, repositories: repositories, incident: incident, document: document)
    }
  }

  /// The draft's text, and what became of the earlier one. Reads only.
  package func redraft(_ incident: IncidentID, earlier: String?) throws(CapabilityError) -> PostMortem.Redraft
  {
    let template = try template("postmortem.md.mustache")
    return try evidence(incident) { events, repositories throws(PostMortemError) in
      try PostMortem.redraft(
        events: events, repositories: repositories, incident: incident, template: template, existing: earlier)
    }
  }

  private func evidence<Document>(
    _ incident: IncidentID,
    _ document: ([JournalEvent], [RepositoryEvidence]) throws(PostMortemError) -> Document
  ) throws(CapabilityError) -> Document {
    do {
      let events = try journal.events(incident: incident)
      // One that is damaged says which repositories its steps were about: a draft without it would leave them out.
      let plans = try journal.plans(incident: incident).map { try Plan(json: $0.document) }
      return try document(events, RepositoryRecord.evidence(in: events, plans: plans))
    } catch let error as JournalError {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    } catch let error as PostMortemError {
      throw CapabilityError(.invalid, "draft the post-mortem", because: error.because, fix: error.fix)
    } catch {
      throw CapabilityError(.invalid, "draft the post-mortem", because: plainReason(of: error))
    }
  }

  /// The team's template of this name, else the built-in one.
  private func template(_ name: String) throws(CapabilityError) -> String {
    if let templates, let bytes = try Self.bytes(at: templates + "/" + name) {
      do throws(PostMortemError) {
        return try DocumentBytes.text(of: bytes, name: templates + "/" + name).text
      } catch {
        throw CapabilityError(
          .configuration, "read the template \(name)", because: error.because, fix: error.fix)
      }
    }
    guard let file = BuiltinContent.template("templates/" + name) else {
      throw CapabilityError(
        .configuration, "find the template \(name)", because: "this build does not hold it")
    }
    return file.text
  }
}
