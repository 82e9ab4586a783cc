import Foundation
public import JSON

/// The people of one installation, as `exchange/people.json` holds them.
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

  /// What the console reads.
  public var json: JSONValue { ["schema": 1, "people": .array(people.map(\.json))] }

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
