import ArgumentParser
import Capabilities
import Foundation
import Incidents
import JSON
import LocalSystem
import PostMortems
import Response
import Secrets

/// `staunch postmortem draft`: prints the draft; `--output` writes it, keeping what people wrote.
struct PostMortemDraftCommand: StaunchCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable, Sendable { case md, html, json }

  static let configuration = CommandConfiguration(
    commandName: "draft", abstract: "Draft the post-mortem from the journal; what people wrote is kept.",
    discussion: """
      EXAMPLES
        staunch postmortem draft                       writes (or refreshes) the most urgent incident's draft
        staunch postmortem draft INCIDENT --output -   prints it
        staunch postmortem draft --format html         one page with the timeline drawn, from the same draft

      What people wrote in the Markdown draft stays in its marked regions; text outside of them moves into the region `kept` at \
      the end, and the file as it was stays beside it (.bak). A page and JSON are made anew each time: write in the draft.
      """)

  @Argument(help: "The incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "md, html (one page) or json (for programs).") var format = Format.md
  @Option(name: .long, help: "A file, or - for standard output; default: below the state directory.")
  var output: String?
  @Option(
    name: .long,
    help:
      "The Markdown draft with what people wrote, for html and json; default: the one below the state directory."
  )
  var document: String?
  @Option(name: .long, help: "Your own templates (postmortem.md.mustache, postmortem.html.mustache).")
  var templates: String?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard document == nil || format != .md else {
      throw ValidationError("--document is read for html and json; the Markdown draft itself is --output")
    }
  }

  func run(in assembly: Assembly) async throws {
    let id = try assembly.incident(named: incident)
    let journal = try assembly.journal()
    let writer = PostMortemFile(
      journal: journal, directory: assembly.statePath + "/postmortems",
      templates: templates.map { assembly.absolute($0) }, files: LocalFileSystem())
    let path =
      output.map { $0 == "-" ? $0 : assembly.absolute($0) } ?? "\(writer.directory)/\(id).\(format.rawValue)"
    do throws(CapabilityError) {
      let source =
        format == .md && path != "-" ? path : document.map { assembly.absolute($0) } ?? writer.path(of: id)
      try writer.refuse(try writer.earlier(at: source)?.text, of: id, source)
      switch format {
      case .md: try markdown(id, writer, to: path, in: assembly)
      case .html, .json:
        let written = try writer.earlier(at: document.map { assembly.absolute($0) } ?? writer.path(of: id))?
          .text
        if let document, written == nil {
          throw CapabilityError(
            .invalid, "read \(document)", because: "there is no such file",
            fix: "write it first: staunch postmortem draft --output \(document)")
        }
        let text =
          format == .html
          ? MadeFile.marked(page: assembly.redactor.redact(try writer.page(id, document: written)))
          : try writer.json(id, document: written).canonicalText + "\n"
        let there = path == "-" ? nil : try PostMortemFile.bytes(at: path)
        let isMade = there.map {
          format == .html ? MadeFile.isUntouched(page: $0) : MadeFile.isUntouched(json: $0)
        }
        try write(text, replacing: isMade == true ? nil : there, to: path, in: assembly)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "no post-mortem was written", because: "\(error.operation): \(error.because)",
        fix: error.fix)
    }
  }

  private func markdown(_ id: IncidentID, _ writer: PostMortemFile, to path: String, in assembly: Assembly)
    throws(CapabilityError)
  {
    let earlier = try writer.earlier(at: path == "-" ? writer.path(of: id) : path)
    let draft = try writer.redraft(id, earlier: earlier?.text)
    let isAtStake = draft.isTouched || earlier?.isConverted == true
    try write(
      draft.text, replacing: isAtStake ? earlier?.bytes : nil, was: earlier?.bytes, to: path, in: assembly)
    guard path != "-" else { return }
    if draft.moved > 0 {
      assembly.console.say(
        "\(draft.moved) block\(draft.moved == 1 ? "" : "s") of text stood outside of the marked regions: kept at the end"
      )
    }
    assembly.console.say("next: complete it, then: staunch postmortem lint \(path)")
  }

  /// - Parameters:
  ///   - earlier: what may be lost; a copy of it is made.
  ///   - was: what the text was made from, which must still be there.
  private func write(
    _ text: String, replacing earlier: [UInt8]?, was: [UInt8]? = nil, to path: String, in assembly: Assembly
  ) throws(CapabilityError) {
    let text = assembly.redactor.redact(text)
    guard path != "-" else {
      return assembly.console.data(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
    if let was, try PostMortemFile.bytes(at: path) != was {
      throw CapabilityError(
        .refused, "write \(path)", because: "somebody changed it in the meantime",
        fix: "draft again, it is read anew")
    }
    do {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      if let earlier, let copy = PostMortemFile.copyName(of: path, earlier, replacedBy: text) {
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        assembly.console.say("the file as it was: \(copy)")
      }
      // Who was there and what went wrong: nobody else's to read, unless its owner has opened it already.
      var status = stat()
      let mode = stat(path, &status) == 0 ? status.st_mode & 0o777 : 0o600
      try DurableFile.replace(path, with: Array(text.utf8), mode: mode)
    } catch {
      throw CapabilityError(
        .refused, "write \(path)", because: "the directory or the file is not writable",
        fix: "choose another file: --output FILE")
    }
    assembly.console.data(path)
  }
}
