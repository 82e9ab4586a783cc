import Capabilities
import Chronicle
import Foundation
package import Incidents
import JSON
package import Journal
package import Secrets

/// A person's text on its way into the journal, a draft or the exchange file. Whoever describes a leak easily pastes what
/// leaked: it would then stand where it cannot be removed. Every text that enters is compared with the incident's values, in
/// every form of ``SecretForms``, and refused with the place.
///
/// The doors: `note`, `todo`, `close`, `handover --acknowledge`, `skip`, `retry`, `done` and the same answers at the terminal,
/// `approve --decline`, `--reason` of `run`, `resume` and `abort`, `ticket drop`, `work --release-storm`, `journal accept`, `plan
/// --input`, `respond --repository`, what people write into a draft, and the texts of decisions from the console or its API
/// (their ids are looked up instead).
package struct EnteredText {
  /// Knows the incident's values.
  package let redactor = Redactor()

  /// - Parameter incident: whose values are looked for; nil: those of every incident.
  package init(about incident: IncidentID?, in journal: Journal) throws {
    // Collected first: the journal is not read inside a read.
    var sealed = try journal.events(incident: incident, kinds: [.secretSealed])
    // With those of every incident that was merged into it.
    if let incident { sealed += try journal.record(of: incident).events(.secretSealed) }
    let refs = sealed.compactMap { SecretSealed($0.body).ref }
    for ref in Set(refs).sorted() {
      do {
        redactor.register(try journal.open(ref))
      } catch {
        // A value whose key was destroyed can no longer be recognised: that is the point of destroying it.
        guard [.shredded, .notFound].contains(error.code) else { throw error }
      }
    }
  }

  /// Where a value stands in `text`, as "line 1, column 14"; nil when none does.
  package func place(in text: String) -> String? {
    guard redactor.finds(in: Array(text.utf8)) else { return nil }
    let common = zip(text, redactor.redact(text)).prefix { $0 == $1 }.count
    let before = text.prefix(common)
    let line = before.count(where: \.isNewline) + 1
    let column = before.reversed().prefix { !$0.isNewline }.count + 1
    return "line \(line), column \(column)"
  }

  /// The same of a name, an id or a path: what may be an ordinary word (`postgres`) is none of a value there.
  package func place(inName text: String) -> String? {
    redactor.holdsSecret(document: .string(text)) ? place(in: text) ?? "line 1, column 1" : nil
  }

  /// - Parameters:
  ///   - name: what the text is, for example `--reason`.
  ///   - isName: it is a name, an id or a path.
  /// - Throws: exit 77 with the place, and not with the text.
  package func admit(_ text: String?, as name: String, isName: Bool = false) throws {
    guard let text, let place = isName ? place(inName: text) : place(in: text) else { return }
    throw Refusal(
      .declined, "\(name) was not taken; nothing was written",
      because: "it holds a leaked value at \(place)",
      fix: "say it without the value: what stands in the journal cannot be removed")
  }
}

extension Journal {
  /// Refuses texts that hold a value of `incident` (nil: of any).
  ///
  /// - Parameter names: names, ids and paths.
  package func admit(
    _ texts: [(name: String, text: String?)], names: [(name: String, text: String?)] = [],
    about incident: IncidentID?
  ) throws {
    guard (texts + names).contains(where: { $0.text?.isEmpty == false }) else { return }
    let entered = try EnteredText(about: incident, in: self)
    for (name, text) in texts { try entered.admit(text, as: name) }
    for (name, text) in names { try entered.admit(text, as: name, isName: true) }
  }
}
