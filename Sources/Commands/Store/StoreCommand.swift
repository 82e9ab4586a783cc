import ArgumentParser
import Capabilities
import Incidents
import JSON
import Response
import StaunchConfiguration

/// `staunch store`: former values of an entry.
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Former values of an entry in a store that keeps them: list them, move back to one.",
    subcommands: [StoreVersionsCommand.self, StoreMoveBackCommand.self])
}

/// Which entry.
struct StoreEntryTarget: ParsableArguments {
  @Argument(help: "The store's name in staunch.yaml.") var store: String
  @Argument(help: "The entry's name in the store.") var key: String

  func versions(in assembly: Assembly) throws -> StoreVersions {
    let configuration = try assembly.configuration()
    let targets = try assembly.targets(of: configuration, in: assembly.adapterEnvironment())
    let name = StoreName(store)
    guard targets.stores[name] != nil else {
      throw CommandFailure(
        .usage, "there is no store \"\(harmless(store))\"",
        because: "\(configuration.file) names "
          + (targets.stores.isEmpty
            ? "none" : targets.stores.keys.map(\.rawValue).sorted().joined(separator: ", ")),
        fix: "name one of these")
    }
    return try StoreVersions(key, in: name, of: targets)
  }
}

/// `staunch store versions`.
struct StoreVersionsCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "versions", abstract: "What the store still holds of an entry, newest first; no values.")

  @OptionGroup var target: StoreEntryTarget
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let versions = try await target.versions(in: assembly).all()
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "store": .string(target.store), "key": .string(target.key),
          "versions": .array(
            versions.map {
              ["id": .string($0.id), "current": .boolean($0.isCurrent), "readable": .boolean($0.isReadable)]
            }),
        ]).canonicalText)
      return
    }
    for version in versions {
      let what = version.isCurrent ? "current" : version.isReadable ? "former" : "taken out"
      assembly.console.data("\(harmless(version.id))  \(what)")
    }
    if let former = versions.first(where: { !$0.isCurrent }) {
      assembly.console.say(
        "next: staunch store move-back \(ShellWord.quoted(target.store)) \(ShellWord.quoted(target.key)) "
          + "--to \(ShellWord.quoted(former.id))")
    } else {
      assembly.console.say(versions.isEmpty ? "there is no such entry" : "there is no former value")
    }
  }
}

/// `staunch store move-back`.
struct StoreMoveBackCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "move-back",
    abstract: "Make a former value of an entry current again; one that leaked is refused.")

  @OptionGroup var target: StoreEntryTarget
  @Option(name: .long, help: "The version, as `staunch store versions` names it.") var to: String
  @Flag(name: .long, help: "Do it.") var live = false
  @Option(name: .long, help: "The store's name, instead of typing it.") var confirm: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let (store, key, to) = (target.store, target.key, to)
    let versions = try target.versions(in: assembly)
    guard let wanted = try await versions.all().first(where: { $0.id == to }), !wanted.isCurrent else {
      throw CommandFailure(
        .usage, "\(harmless(key)) cannot be moved back to \(harmless(to))",
        because: "\(harmless(store)) has no such former version of it",
        fix: "staunch store versions \(ShellWord.quoted(store)) \(ShellWord.quoted(key)) lists them")
    }
    let before = try await versions.current()
    guard live else {
      assembly.console.data(
        "would make \(harmless(to)) the current value of \(harmless(key)) in \(harmless(store))"
          + (before.map { ", instead of \(harmless($0))" } ?? ""))
      assembly.console.say(
        "programs that read it get that value; one that leaked is moved away from again. "
          + "next: the same command with --live --confirm \(ShellWord.quoted(store))")
      return
    }
    let leaked = try StoreVersions.leaked(in: assembly.journal())
    let now = try await DirectRun.carryOut(
      "store.move-back", target: "\(store)/\(key)", lock: versions.lock, name: store,
      document: [
        "store": .string(store), "key": .string(key), "to": .string(to),
        "before": before.map { .string($0) } ?? .null,
      ],
      confirmation: confirm, in: assembly
    ) { _ in
      // To move to a version that is current already changes nothing: it is done again.
      .notDone(evidence: "moving back to the same version is safe to repeat")
    } perform: { authority, _ in
      try await versions.moveBack(to: to, sparing: leaked, under: authority)
    } outputs: {
      ["version": .string($0)]
    }
    assembly.console.data("\(harmless(key)) in \(harmless(store)): \(harmless(now)) is current")
    assembly.console.say("next: staunch doctor, which asks whether the provider accepts what the store holds")
  }
}
