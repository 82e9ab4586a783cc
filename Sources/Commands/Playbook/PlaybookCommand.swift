import ArgumentParser
import BuiltinContent
import Capabilities
import Foundation
import Journal
import Incidents
import JSON
import PlaybookTools
import Playbooks
import Response
import StaunchConfiguration

/// `staunch playbook`: what there is, whether it is sound, what it looks like.
struct PlaybookCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "playbook", abstract: "List, show, check, draw, import and export playbooks.",
    subcommands: [
      PlaybookList.self, PlaybookShow.self, PlaybookLint.self, PlaybookTestCommand.self,
      PlaybookGraphCommand.self, PlaybookImport.self, PlaybookExport.self, PlaybookSchemaCommand.self,
      PlaybookActions.self, PlaybookLanguage.self,
    ])
}

extension Assembly {
  /// The built-in playbooks and those of a directory of the user, which override them: `--playbooks`, else
  /// `playbooks/` beside staunch.yaml when that exists. Parts are those of its directory `parts`, and the built-in ones.
  func library(own directory: String?) throws -> PlaybookLibrary {
    let builtin = BuiltinContent.playbooks.map { PlaybookLibrary.File(name: $0.path, text: $0.text) }
    var parts = BuiltinContent.parts.map { PlaybookLibrary.File(name: $0.path, text: $0.text) }
    guard let directory = playbookDirectory(directory) else {
      return PlaybookLibrary(builtin: builtin, parts: parts)
    }
    if FileManager.default.fileExists(atPath: directory + "/parts") {
      parts = try playbookFiles(in: directory + "/parts") + parts
    }
    return PlaybookLibrary(builtin: builtin, own: try playbookFiles(in: directory), parts: parts)
  }

  private func playbookFiles(in directory: String) throws -> [PlaybookLibrary.File] {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
      throw CommandFailure(
        .invalidInput, "cannot read the playbook directory \(harmless(directory))",
        because: plainReason(of: error), fix: "name a directory that exists: --playbooks DIR"
      )
    }
    return try names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted().map { name in
      PlaybookLibrary.File(name: directory + "/" + name, bytes: try readInput(directory + "/" + name))
    }
  }

  /// Where a team's own playbooks are: `--playbooks`, else ``library(own:)``'s directory; nil when there is none.
  func playbookDirectory(_ own: String?) -> String? {
    if let own { return absolute(own) }
    guard let configuration = configurationPath else { return nil }
    let directory = (configuration as NSString).deletingLastPathComponent + "/playbooks"
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory)
      && isDirectory.boolValue
      ? directory : nil
  }

  /// `--config`, else `./staunch.yaml`, else `$XDG_CONFIG_HOME/staunch/staunch.yaml`; nil when none exists.
  var configurationPath: String? {
    if let path = options.config { return absolute(path) }
    let base = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.config"
    return [workingDirectory + "/staunch.yaml", base + "/staunch/staunch.yaml"].first {
      FileManager.default.fileExists(atPath: $0)
    }
  }
}

extension Assembly {
  /// Roles that somebody holds: this machine's identity and the people of the trust store. Nil without a
  /// configuration, or with one that cannot be read, which `staunch doctor` judges.
  func heldRoles() -> Set<RoleName>? {
    guard configurationPath != nil else { return nil }
    do {
      let people = try TrustedPerson.read(statePath + "/people.trust.json")
      return Set(["responder", "repository-admin"] + people.flatMap(\.roles).map { RoleName($0) })
    } catch { return nil }
  }
}

/// Where a team keeps its own playbooks.
struct PlaybookOptions: ParsableArguments {
  @Option(name: .long, help: "Your own playbooks; they override the built-in ones of the same id.")
  var playbooks: String?
}

/// `staunch playbook list`.
struct PlaybookList: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Every playbook, a line each.")

  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let library = try assembly.library(own: own.playbooks)
    var lines: [JSONValue] = []
    for id in library.ids {
      let playbook = try library.load(id, catalogue: ActionSignature.builtin)
      let origin = library.origin(of: id)?.rawValue ?? ""
      lines.append([
        "id": .string(id.rawValue), "title": .string(playbook.title), "origin": .string(origin),
        "sha256": .string(playbook.source.sha256),
      ])
      if !global.json { assembly.console.data("\(id)  \(origin)  \(harmless(playbook.title))") }
    }
    if global.json {
      assembly.console.data(JSONValue.object(["schema": 1, "playbooks": .array(lines)]).canonicalText)
    }
  }
}

/// `staunch playbook show`.
struct PlaybookShow: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "The text of a playbook, or of a part of playbooks.")

  @Argument(help: "Its id, as list prints it.") var id: String
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let library = try assembly.library(own: own.playbooks)
    if let part = library.part(PlaybookID(id)), library.text(of: PlaybookID(id)) == nil {
      return assembly.console.data(part.source)
    }
    guard let found = library.text(of: PlaybookID(id)) else { throw unknownPlaybook(id, library) }
    assembly.console.data(found.source)
    do {
      let playbook = try library.load(PlaybookID(id), catalogue: ActionSignature.builtin)
      for input in playbook.inputs where input.position.file != found.file {
        assembly.console.say("input \(input.name): \(input.type)  \(harmless(input.summary))")
      }
      for part in playbook.parts {
        assembly.console.say("part: staunch playbook show \(part.id.rawValue.dropFirst("parts/".count))")
      }
    } catch {
      assembly.console.say("it cannot be used; what is wrong with it: staunch playbook lint")
    }
  }
}

/// `staunch playbook lint`: exit 0, or 65 with every problem at its place.
struct PlaybookLint: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint",
    abstract: "Check playbooks and provider files: language, types and safety. Exit 0 or 65.")

  @Argument(
    help: "Files; - for standard input. Without any: every built-in and own playbook, own provider files.")
  var files: [String] = []
  @Flag(name: .long, help: "SARIF 2.1.0 on standard output.") var sarif = false
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let library = try assembly.library(own: own.playbooks)
    let roles = assembly.heldRoles()
    var found: [Diagnostic] = []
    if files.isEmpty {
      for id in library.ids {
        guard let text = library.text(of: id) else { continue }
        found +=
          library.problem(of: id).map { [$0] }
          ?? Linter.lint(
            source: text.source, file: text.file, catalogue: ActionSignature.builtin, includes: library,
            isFile: true, roles: roles)
      }
    }
    if files.isEmpty, let directory = assembly.ownProviders() {
      for file in try assembly.providerFiles(in: directory) {
        found += try lintProvider(file, bytes: try assembly.readInput(file), in: assembly)
      }
    }
    for file in files {
      let bytes = try assembly.readInput(file)
      if ProviderDescription.isMeant(by: String(decoding: bytes, as: UTF8.self)) {
        found += try lintProvider(file, bytes: bytes, in: assembly)
        continue
      }
      found += Linter.lint(
        bytes: bytes, file: file == "-" ? "stdin" : file,
        catalogue: ActionSignature.builtin, includes: library, isFile: isFound(file, in: assembly),
        roles: roles)
    }
    if global.json {
      assembly.console.data(Linter.json(of: found).canonicalText)
    } else if sarif {
      assembly.console.data(Linter.sarif(of: found, version: toolVersion).canonicalText)
    } else {
      for diagnostic in found { assembly.console.data(harmlessLines("\(diagnostic)")) }
      if found.isEmpty { assembly.console.say("no problem found") }
    }
    if found.contains(where: { $0.severity == .error }) { throw ExitCode(ExitStatus.invalidInput.rawValue) }
  }
}

extension PlaybookLint {
  /// A provider file, with the exchanges of `tests/NAME.yaml` beside it.
  private func lintProvider(_ file: String, bytes: Data, in assembly: Assembly) throws -> [Diagnostic] {
    let name = file == "-" ? "stdin" : file
    var exchange: ProviderLinter.File?
    if file != "-" {
      let place = URL(filePath: assembly.absolute(file))
      let beside = place.deletingLastPathComponent().appending(path: "tests").appending(
        path: place.lastPathComponent
      ).path
      if FileManager.default.fileExists(atPath: beside) {
        exchange = ProviderLinter.File(name: beside, bytes: Array(try assembly.readInput(beside)))
      }
    }
    return ProviderLinter.lint(ProviderLinter.File(name: name, bytes: Array(bytes)), exchange: exchange)
  }

  /// Whether the playbook of `file` will be looked for by the file's name.
  private func isFound(_ file: String, in assembly: Assembly) -> Bool {
    guard file != "-", let directory = assembly.playbookDirectory(own.playbooks) else { return false }
    return URL(filePath: assembly.absolute(file)).deletingLastPathComponent().standardizedFileURL.path
      == URL(filePath: directory).standardizedFileURL.path
  }
}

/// `staunch playbook graph`.
struct PlaybookGraphCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Draw a playbook: Mermaid, or --svg.")

  @Argument(help: "Its id, or a file.") var playbook: String
  @Flag(name: .long, help: "An SVG picture.") var svg = false
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let loaded = try assembly.playbook(named: playbook, in: try assembly.library(own: own.playbooks))
    let graph = PlaybookGraph(loaded)
    assembly.console.data(svg ? graph.svg : graph.mermaid)
  }
}

/// `staunch playbook schema`.
struct PlaybookSchemaCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "The JSON Schema of playbooks, for editors.")

  @OptionGroup var global: GlobalOptions

  @Flag(name: .long, help: "Of provider files (providers/*.yaml) instead.") var providers = false
  @Flag(name: .long, help: "Of their recorded exchanges (providers/tests/*.yaml) instead.") var exchanges =
    false

  func run(in assembly: Assembly) async throws {
    if providers || exchanges {
      return assembly.console.data(
        (providers ? PlaybookSchema.providers : PlaybookSchema.exchanges).canonicalText)
    }
    assembly.console.data(PlaybookSchema.json(catalogue: ActionSignature.builtin).canonicalText)
  }
}

/// `staunch playbook actions`.
struct PlaybookActions: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "actions", abstract: "The reference of actions (docs/ACTIONS.md).")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    assembly.console.data(ActionReference.markdown(catalogue: ActionSignature.builtin))
  }
}

/// `staunch playbook language`.
struct PlaybookLanguage: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "language", abstract: "The reference of the playbook language (docs/PLAYBOOKS.md).")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws { assembly.console.data(LanguageReference.markdown) }
}

extension Assembly {
  /// A playbook by id, or by file when `name` looks like one.
  func playbook(named name: String, in library: PlaybookLibrary) throws -> Playbook {
    if library.text(of: PlaybookID(name)) != nil {
      return try library.load(PlaybookID(name), catalogue: ActionSignature.builtin)
    }
    guard name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") else {
      throw unknownPlaybook(name, library)
    }
    return try Playbook.load(
      source: try PlaybookText.decode(try readInput(name), file: name), file: name,
      catalogue: ActionSignature.builtin, includes: library)
  }
}

private func unknownPlaybook(_ name: String, _ library: PlaybookLibrary) -> CommandFailure {
  CommandFailure(
    .invalidInput, "there is no playbook \"\(harmless(name))\"",
    because: Suggestion.phrase(for: name, among: library.ids.map(\.rawValue)) ?? "no id is like it",
    fix: "staunch playbook list")
}

/// ``harmless(_:)`` for each line.
func harmlessLines(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map { harmless(String($0)) }.joined(
    separator: "\n")
}
