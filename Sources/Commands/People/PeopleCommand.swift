import ArgumentParser
import Foundation
import JSON
import Journal
import LocalSystem
import People
import Secrets

/// `staunch people`: who may sign in on the console.
struct PeopleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "people", abstract: "Who may sign in on the console, and in which roles.",
    discussion: """
      EXAMPLES
        staunch people add maria --role responder
        staunch people add jonas --role responder --role repository-admin --password-from file:/run/jonas
        staunch people trust ada --key BASE64 --role responder     signs elsewhere: staunch journal key
        staunch people list
      """,
    subcommands: [AddPerson.self, TrustPerson.self, ListPeople.self, RemovePerson.self, ChangePassword.self])
}

/// `staunch people add`.
struct AddPerson: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Make a signing key for somebody, sealed under their password.")

  @Argument(help: "The name, for example maria.") var name: String
  @Option(name: .long, help: "A role to act in; repeat for several.") var role: [String] = ["responder"]
  @Option(name: .long, help: "Where the password is: env:NAME, file:/path, fd:3 or -. Default: ask.")
  var passwordFrom: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let files = PeopleFiles(state: try assembly.state(), exchange: try Exchange.place(in: assembly))
    var directory = try files.read()
    guard directory[name] == nil else {
      throw CommandFailure(
        .invalidInput, "there is already somebody named \(harmless(name))", because: "a name stands once",
        fix: "staunch people password \(harmless(name)), or remove them first")
    }
    let password = try await assembly.newPassword(for: name, from: passwordFrom)
    let person = try Person(name: name, roles: role, password: password)
    try directory.add(person)
    assembly.tellStrangers(files, beside: directory)
    try files.write(directory)
    assembly.report(person, "added")
  }
}

/// `staunch people trust`.
struct TrustPerson: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "Let somebody's own key count: what `staunch journal key` prints on their machine.")

  @Argument(help: "The name, for example ada.") var name: String
  @Option(name: .long, help: "The public key: 32 bytes in base64.") var key: String
  @Option(name: .long, help: "A role to act in; repeat for several.") var role: [String] = ["responder"]
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    guard let bytes = Data(base64Encoded: key), bytes.count == 32 else {
      throw CommandFailure(
        .usage, "--key is no public key", because: "it must be 32 bytes in base64",
        fix: "on their machine: staunch journal key")
    }
    let files = PeopleFiles(state: try assembly.state(), exchange: try Exchange.place(in: assembly))
    var directory = try files.read()
    let person = try Person(name: name, roles: role, signingElsewhere: bytes)
    try directory.add(person)
    assembly.tellStrangers(files, beside: directory)
    try files.write(directory)
    assembly.console.say(
      "trusted \(harmless(name)), key \(person.fingerprint), roles \(role.joined(separator: ", "))")
    assembly.console.say("their signed decisions count from now on. next: staunch people list")
  }
}

/// `staunch people list`.
struct ListPeople: StaunchCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Everybody, a line each.")
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let files = PeopleFiles(state: try assembly.state(), exchange: try Exchange.place(in: assembly))
    let directory = try files.read()
    assembly.tellStrangers(files, beside: directory)
    let people = directory.people
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1,
          "people": .array(
            people.map {
              [
                "name": .string($0.name), "roles": .array($0.roles.map(JSONValue.string)),
                "fingerprint": .string($0.fingerprint), "console": .boolean(!$0.signsElsewhere),
              ]
            }),
        ]).canonicalText)
      return
    }
    for person in people {
      let place = person.signsElsewhere ? "  (signs elsewhere)" : ""
      assembly.console.data(
        "\(harmless(person.name))  \(person.fingerprint)  \(person.roles.joined(separator: ", "))\(place)")
    }
    if people.isEmpty {
      assembly.console.say("Nobody else is trusted yet. next: staunch people add, with a name")
    }
  }
}

/// `staunch people remove`.
struct RemovePerson: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Trust somebody's key no longer, and sign them out.")

  @Argument(help: "The name.") var name: String
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let files = PeopleFiles(state: try assembly.state(), exchange: try Exchange.place(in: assembly))
    var directory = try files.read()
    assembly.tellStrangers(files, beside: directory)
    try directory.remove(name)
    try files.write(directory)
    assembly.console.say("removed \(harmless(name)): their key counts no longer, their sessions are over")
  }
}

/// `staunch people password`.
struct ChangePassword: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "password", abstract: "Seal somebody's key under a new password; the key stays.")

  @Argument(help: "The name.") var name: String
  @Option(name: .long, help: "Where the old password is. Default: ask.") var oldPasswordFrom: String?
  @Option(name: .long, help: "Where the new password is. Default: ask.") var passwordFrom: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let files = PeopleFiles(state: try assembly.state(), exchange: try Exchange.place(in: assembly))
    var directory = try files.read()
    guard let person = directory[name] else {
      throw CommandFailure(
        .invalidInput, "nobody is named \(harmless(name))", because: "the list does not have it",
        fix: "staunch people list")
    }
    let old = try await assembly.password(
      "old password of \(name)", from: oldPasswordFrom, option: "--old-password-from")
    let new = try await assembly.newPassword(for: name, from: passwordFrom)
    guard let changed = try person.changing(password: old, to: new) else {
      throw CommandFailure(
        .declined, "the password was not changed", because: "the old password is wrong",
        fix: "whoever forgot it gets a new key: staunch people remove \(harmless(name)), then add")
    }
    directory.replace(changed)
    assembly.tellStrangers(files, beside: directory)
    try files.write(directory)
    assembly.report(changed, "changed")
  }
}

extension Person {
  /// `{"name","roles","fingerprint"}`.
  fileprivate var summary: JSONValue {
    [
      "name": .string(name), "roles": .array(roles.map(JSONValue.string)),
      "fingerprint": .string(fingerprint),
    ]
  }
}

extension Assembly {
  /// A password that is there already.
  fileprivate func password(_ what: String, from reference: String?, option: String) async throws -> Secret {
    if let reference { return try await secretSources.resolve(reference) }
    guard console.style.isInteractive else {
      throw CommandFailure(
        .usage, "no password", because: "nobody is there to ask",
        fix: "say where it is: \(option) file:/path (or env:NAME, fd:3, -)")
    }
    return try await secretSources.resolve("prompt:\(what)")
  }

  /// A new password; typed twice when a person types it.
  fileprivate func newPassword(for name: String, from reference: String?) async throws -> Secret {
    let first = try await password("new password of \(name)", from: reference, option: "--password-from")
    guard reference == nil else { return first }
    let second = try await password("the same again", from: nil, option: "--password-from")
    guard first.isSame(as: second) else {
      throw CommandFailure(
        .invalidInput, "the passwords differ", because: "they were not typed the same twice", fix: "try again"
      )
    }
    return first
  }

  /// Says whom the endpoint's copy names and nobody added here: a sign that the endpoint was taken over.
  fileprivate func tellStrangers(_ files: PeopleFiles, beside directory: PeopleDirectory) {
    guard let strangers = files.strangers(beside: directory) else {
      return console.say(
        "warning: exchange/people.json cannot be read: whom the endpoint lets in is not known. The next change writes it "
          + "anew. Was the endpoint taken over?")
    }
    for name in strangers {
      console.say(
        "warning: exchange/people.json names \(harmless(name)), whom nobody added here: their key does not count, and the "
          + "next change removes them. Was the endpoint taken over?")
    }
  }

  private var secretSources: SecretSources {
    let redactor = redactor
    return SecretSources(environment: environment) { redactor.register($0) }
  }

  fileprivate func report(_ person: Person, _ what: String) {
    if options.json {
      console.data(JSONValue.object(["schema": 1, "person": person.summary]).canonicalText)
    } else {
      console.say(
        "\(what) \(person.name), key \(person.fingerprint), roles \(person.roles.joined(separator: ", "))")
      console.say("their signed decisions count from now on. next: staunch people list")
    }
  }
}

extension CommandFailure {
  init(_ error: PeopleError) {
    let status: ExitStatus = error.code == .file ? .unavailable : .invalidInput
    self.init(status, error.operation, because: error.because, fix: error.fix)
  }
}
