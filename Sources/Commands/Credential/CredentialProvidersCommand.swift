import ArgumentParser
import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import Playbooks
import StaunchConfiguration

/// `staunch credential providers`: what may stand after `kind:` of an entry under `credentials:`, and what each can do.
struct CredentialProvidersCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "providers",
    abstract: "Every provider that an entry may name: what it can do, and where that is documented.")

  @Argument(help: "One of them: all that is known of it.") var kind: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let described = try assembly.describedProviders(in: assembly.ownProviders())
    var rows = CredentialProviderRegistry.all.map { type in
      Row(
        kind: type.kind, origin: "code", summary: type.summary, settings: type.settings, file: nil,
        profile: type.profile)
    }
    for kind in described.kinds {
      guard let file = try described[kind] else { continue }
      rows.append(
        Row(
          kind: kind, origin: described.isOwn(kind) ? "user" : "builtin", summary: file.summary,
          settings: try described.entry(of: kind)?.settings ?? [], file: file))
    }
    rows.sort { $0.kind < $1.kind }
    if let kind {
      rows = rows.filter { $0.kind == kind }
      guard !rows.isEmpty else {
        let known = CredentialProviderRegistry.all.map { $0.kind } + described.kinds
        throw CommandFailure(
          .invalidInput, "there is no provider \"\(harmless(kind))\"",
          because: Suggestion.phrase(for: kind, among: known)
            ?? "none is like it; a kind of credential is looked up with: staunch kinds",
          fix: "staunch credential providers")
      }
    }
    if global.json {
      assembly.console.data(
        JSONValue.object(["schema": 1, "providers": .array(rows.map(\.json))]).canonicalText)
      return
    }
    for row in rows {
      assembly.console.data(
        "\(row.kind)  \(row.origin)  \(row.verbs)  \(harmless(row.summary))\(row.source)")
      if kind != nil { show(row, in: assembly) }
    }
  }

  private func show(_ row: Row, in assembly: Assembly) {
    if let file = row.file {
      for page in file.documentation { assembly.console.data("documentation: \(harmless(page))") }
      let unseen = file.unseen.map { "; not seen: \(harmless($0))" } ?? ""
      assembly.console.data("compared with: \(file.seen.rawValue)\(unseen)")
      assembly.console.data("needs: \(harmless(file.privilege))")
      assembly.console.data("survives: \(harmless(file.survives))")
      if let console = file.console { assembly.console.data("console: \(harmless(console))") }
    }
    if let profile = row.profile {
      assembly.console.data("needs: \(profile.privilege)")
      assembly.console.data("survives: \(profile.survives)")
    }
    for setting in row.settings {
      let mark = setting.isRequired ? " (required)" : ""
      assembly.console.data("setting \(setting.key)\(mark): \(harmless(setting.summary))")
    }
  }

  private struct Row {
    let kind: String
    let origin: String
    let summary: String
    let settings: [SettingDeclaration]
    /// Nil for what is written in code: docs/PROVIDERS.md says what it can do.
    let file: ProviderDescription?
    /// Of what is written in code.
    var profile: AdapterProfile?

    /// Nobody has seen a page of its API.
    var source: String { file?.seen == ProviderSource.none ? "  (compared with no page)" : "" }

    var verbs: String { file?.verbs.joined(separator: ",") ?? "docs/PROVIDERS.md" }

    var json: JSONValue {
      var members: [String: JSONValue] = [
        "kind": .string(kind), "origin": .string(origin), "summary": .string(summary),
        "settings": .array(
          settings.map {
            [
              "key": .string($0.key), "required": .boolean($0.isRequired),
              "reference": .boolean($0.isSecretReference), "summary": .string($0.summary),
            ]
          }),
      ]
      if let profile {
        members["needs"] = .string(profile.privilege)
        members["survives"] = .string(profile.survives)
      }
      if let file {
        members["verbs"] = .array(file.verbs.map(JSONValue.string))
        members["documentation"] = .array(file.documentation.map(JSONValue.string))
        members["seen"] = .string(file.seen.rawValue)
        members["unseen"] = file.unseen.map(JSONValue.string) ?? .null
        members["needs"] = .string(file.privilege)
        members["survives"] = .string(file.survives)
        members["sha256"] = .string(file.sha256)
      }
      return .object(members)
    }
  }
}

extension Assembly {
  /// The directory that staunch.yaml names for a team's own provider files; nil: none, or no staunch.yaml that can be read.
  func ownProviders() -> String? {
    guard let path = configurationPath else { return nil }
    do {
      let source = try PlaybookText.decode(try readInput(path), file: path)
      return ConfigurationReader.providers(
        in: source, directory: (path as NSString).deletingLastPathComponent)
    } catch { return nil }
  }
}
