import Foundation
import JSON
import Journal
import LocalSystem
import People
import Secrets

/// The two files about people: what the console reads, and what the worker trusts.
///
/// The endpoint may read `exchange/people.json`; it can neither read nor write `people.trust.json`, so that a taken-over
/// endpoint cannot add a key that counts.
struct PeopleFiles {
  let state: StateDirectory

  private var exchange: String { state.path + "/exchange" }
  private var console: String { exchange + "/people.json" }
  private var trust: String { state.path + "/people.trust.json" }

  func read() throws -> PeopleDirectory {
    guard FileManager.default.fileExists(atPath: console) else { return PeopleDirectory() }
    guard let bytes = FileManager.default.contents(atPath: console) else {
      throw CommandFailure(
        .unavailable, "cannot read \(console)", because: "permission denied", fix: "ls -l \(console)")
    }
    return try PeopleDirectory(parsing: bytes)
  }

  /// Whose signature counts. Only the state directory says so: nothing that the endpoint or staunch.yaml could name is
  /// ever taken over from there.
  func trusted() throws -> [TrustedPerson] { try TrustedPerson.read(trust) }

  /// Somebody new: they sign in on the console, and their word counts.
  func add(_ person: Person) throws {
    try refuseTaken(person.name)
    var directory = try read()
    try directory.add(person)
    try write(directory)
    // Last: a crash before it trusts too little.
    try write(trusted() + [TrustedPerson(name: person.name, key: person.publicKey, roles: person.roles)])
  }

  /// Somebody who signs elsewhere, with a key of their own.
  func trust(_ person: TrustedPerson) throws {
    try refuseTaken(person.name)
    try write(trusted() + [person])
  }

  /// Their word counts no longer, and they are signed out.
  func remove(_ name: String) throws {
    var directory = try read()
    let known = try trusted()
    guard directory[name] != nil || known.contains(where: { $0.name == name }) else {
      throw CommandFailure(
        .invalidInput, "nobody was removed", because: "nobody is named \(harmless(name))",
        fix: "staunch people list")
    }
    // First: a crash after it trusts too little.
    try write(known.filter { $0.name != name })
    guard directory[name] != nil else { return }
    try directory.remove(name)
    try write(directory)
  }

  /// The same key under another password: trust stays as it is.
  func replace(_ person: Person) throws {
    var directory = try read()
    directory.replace(person)
    try write(directory)
  }

  private func refuseTaken(_ name: String) throws {
    guard try trusted().contains(where: { $0.name == name }) else { return }
    throw CommandFailure(
      .invalidInput, "there is already somebody named \(harmless(name))", because: "a name stands once",
      fix: "staunch people remove \(harmless(name)) first")
  }

  private func write(_ directory: PeopleDirectory) throws {
    if let problem = DurableDirectory.create(exchange, mode: 0o770) {
      throw CommandFailure(
        .unavailable, "cannot make \(exchange)", because: String(cString: strerror(problem)).lowercased(),
        fix: "ls -ld \(state.path)")
    }
    try replace(console, with: directory.json, mode: 0o640)
  }

  private func write(_ people: [TrustedPerson]) throws {
    try replace(
      trust, with: ["schema": 1, "people": .array(people.sorted { $0.name < $1.name }.map(\.json))],
      mode: 0o600)
  }

  private func replace(_ path: String, with document: JSONValue, mode: mode_t) throws {
    try DurableFile.replace(path, with: document.canonicalBytes + [0x0A], mode: mode)
  }
}
