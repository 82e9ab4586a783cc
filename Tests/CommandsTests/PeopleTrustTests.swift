import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import People
import Secrets
import TestSupport
import Testing

@testable import Commands
@testable import Response
@testable import Worker

/// The demonstration of the audit: a taken-over endpoint plants a person, and the operator changes the list.
@Suite struct PeopleTrustTests {
  private static let password = Secret("four random words here")

  private static func person(_ name: String, _ roles: [String]) throws -> Person {
    try Person(
      name: name, roles: roles, password: password,
      cost: try #require(PasswordLock.Cost(n: 1 << 10, r: 8, p: 1)))
  }

  private static func trusted(_ state: StateDirectory) throws -> [ApproverIdentity] {
    try TrustedPerson.identities(state.path + "/people.trust.json")
  }

  @Test func `a person whom the endpoint plants is never trusted, whatever is changed afterwards`() throws {
    let directory = try TemporaryDirectory()
    let state = try StateDirectory(directory.path("state"))
    let files = PeopleFiles(state: state)
    let maria = try Self.person("maria", ["responder"])
    try files.write(PeopleDirectory([maria]))
    // The endpoint may write its copy: a stranger as an admin, and maria with more than she has.
    var greedy = maria
    greedy.roles = ["responder", "repository-admin"]
    let eve = try Self.person("eve", ["repository-admin"])
    let copy = state.path + "/exchange/people.json"
    try Data(PeopleDirectory([greedy, eve]).json.canonicalBytes).write(to: URL(filePath: copy))

    #expect(try files.read() == PeopleDirectory([maria]))
    #expect(files.strangers(beside: try files.read()) == ["eve"])
    let jonas = try Self.person("jonas", ["responder"])
    for change in [
      { (people: inout PeopleDirectory) in try people.add(jonas) },
      { people in
        people.replace(
          try #require(try maria.changing(password: Self.password, to: Secret("four other words now"))))
      },
      { people in try people.remove("jonas") },
    ] {
      var people = try files.read()
      try change(&people)
      try files.write(people)
      let keys = try Self.trusted(state).map(\.fingerprint)
      #expect(!keys.contains(eve.fingerprint))
      #expect(try Self.trusted(state).allSatisfy { $0.roles == ["responder"] })
      #expect(try PeopleDirectory(parsing: Data(contentsOf: URL(filePath: copy))) == people)
    }
  }

  @Test func `a pipe or a link in the place of the endpoint's copy holds nothing up`() throws {
    let directory = try TemporaryDirectory()
    let state = try StateDirectory(directory.path("state"))
    let files = PeopleFiles(state: state)
    try files.write(PeopleDirectory([try Self.person("maria", ["responder"])]))
    let copy = state.path + "/exchange/people.json"
    for plant in [{ mkfifo(copy, 0o600) }, { symlink("../operator.key", copy) }] {
      unlink(copy)
      #expect(plant() == 0)
      let people = try files.read()
      #expect(files.strangers(beside: people) == nil, "whom it names is not known, and is not nobody")
      try files.write(people)
      #expect(try PeopleDirectory(parsing: Data(contentsOf: URL(filePath: copy))) == people)
    }
    #expect(!FileManager.default.fileExists(atPath: state.path + "/operator.key"))
  }

  @Test func `a directory in the place of the endpoint's copy does not keep anybody in`() throws {
    let directory = try TemporaryDirectory()
    let state = try StateDirectory(directory.path("state"))
    let files = PeopleFiles(state: state)
    let (maria, jonas) = (try Self.person("maria", ["responder"]), try Self.person("jonas", ["responder"]))
    try files.write(PeopleDirectory([maria, jonas]))
    let copy = state.path + "/exchange/people.json"
    unlink(copy)
    try FileManager.default.createDirectory(atPath: copy + "/x", withIntermediateDirectories: true)
    let error = #expect(throws: CommandFailure.self) { try files.write(PeopleDirectory([maria])) }
    #expect(error?.what == "the trusted list is changed, and the endpoint's copy is not")
    #expect(try files.read() == PeopleDirectory([maria]))
  }
}
