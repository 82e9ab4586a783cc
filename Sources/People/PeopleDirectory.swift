import Foundation
public import JSON

/// The people of one installation, as `people.trust.json` holds them; `exchange/people.json` is a copy for the endpoint.
public struct PeopleDirectory: Sendable, Hashable {
  /// By name.
  public private(set) var people: [Person]

  public init(_ people: [Person] = []) { self.people = people.sorted { $0.name < $1.name } }

  /// Reads the file's bytes. - Throws: `.file`.
  public init(parsing bytes: some Collection<UInt8>) throws(PeopleError) {
    let json: JSONValue
    do { json = try JSONValue(parsing: bytes) } catch {
      throw PeopleError(.file, "read the people", because: "the file is no JSON: \(error)")
    }
    guard json["schema"]?.integer == 1, let entries = json["people"]?.array else {
      throw PeopleError(
        .file, "read the people", because: "the file is not {\"schema\":1,\"people\":[…]}",
        fix: "restore it from a backup, or move it away and add the people again")
    }
    var people: [Person] = []
    for entry in entries { people.append(try Person(json: entry)) }
    guard Set(people.map(\.name)).count == people.count else {
      throw PeopleError(.file, "read the people", because: "a name stands twice")
    }
    self.init(people)
  }

  /// What both files hold.
  public var json: JSONValue { ["schema": 1, "people": .array(people.map(\.json))] }

  /// Reads the trusted file, also one of an earlier version, which held no sealed keys: those are taken from `copy` for
  /// the same name and key, and for nobody else. A key whose seal is not there stays trusted and signs in no more.
  ///
  /// - Throws: `.file`.
  public init(trusted bytes: some Collection<UInt8>, copy: JSONValue?) throws(PeopleError) {
    let json: JSONValue
    do { json = try JSONValue(parsing: bytes) } catch {
      throw PeopleError(.file, "read the people", because: "the trusted file is no JSON: \(error)")
    }
    guard let entries = json["people"]?.array else {
      throw PeopleError(.file, "read the people", because: "the trusted file has no member people")
    }
    let whole = entries.map { entry -> JSONValue in
      guard var members = entry.object, members["sealed"] == nil else { return entry }
      let twin = copy?["people"]?.array?.first { $0["name"] == entry["name"] && $0["key"] == entry["key"] }
      let cost = PasswordLock.Cost.standard
      members["salt"] = twin?["salt"] ?? .string(Data(count: 16).base64EncodedString())
      members["sealed"] = twin?["sealed"] ?? ""
      members["scrypt"] =
        twin?["scrypt"] ?? ["n": .integer(cost.n), "r": .integer(cost.r), "p": .integer(cost.p)]
      return .object(members)
    }
    try self.init(parsing: JSONValue.object(["schema": 1, "people": .array(whole)]).canonicalBytes)
  }

  public subscript(_ name: String) -> Person? { people.first { $0.name == name } }

  /// - Throws: `.name` when there is somebody of that name.
  public mutating func add(_ person: Person) throws(PeopleError) {
    guard self[person.name] == nil else {
      throw PeopleError(
        .name, "add \(person.name)", because: "there is somebody of that name",
        fix: "staunch people password \(person.name), or remove them first")
    }
    self = PeopleDirectory(people + [person])
  }

  /// Puts `person` in the place of whoever has the name.
  public mutating func replace(_ person: Person) {
    self = PeopleDirectory(people.filter { $0.name != person.name } + [person])
  }

  /// - Throws: `.name` when there is nobody.
  public mutating func remove(_ name: String) throws(PeopleError) {
    guard self[name] != nil else {
      throw PeopleError(.name, "remove a person", because: "nobody has that name", fix: "staunch people list")
    }
    self = PeopleDirectory(people.filter { $0.name != name })
  }
}

/// Why something about people failed.
public struct PeopleError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable { case name, role, password, file }
  public let code: Code
  public let operation: String
  public let because: String
  public let fix: String?

  public init(_ code: Code, _ operation: String, because: String, fix: String? = nil) {
    self.code = code
    self.operation = operation
    self.because = because
    self.fix = fix
  }

  public var description: String { "\(operation): \(because)" + (fix.map { "; fix: \($0)" } ?? "") }
}
