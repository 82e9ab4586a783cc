import Capabilities
import Foundation
import Incidents
import Journal
import Secrets
import TestSupport
import Testing

@testable import Response

/// A leaked value in a note stood in the journal, the export, the board and the exchange file.
@Suite struct EnteredTextTests {
  private let directory: TemporaryDirectory
  private let journal: Journal
  private static let value = "vT8!kQ2&" + "zL0/pW4"

  init() throws {
    directory = try TemporaryDirectory()
    let state = try StateDirectory(directory.path("state"))
    journal = try Journal.open(path: state.journalPath, keys: try state.keys())
    try journal.seal(
      ["inc-00000001/leaked": Secret(Self.value)], under: .incident("inc-00000001"), purpose: "leaked",
      incident: "inc-00000001")
  }

  private static let spellings: [String] = [
    value, Data(value.utf8).base64EncodedString(),
    value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "",
    value.utf8.map { String(format: "%02x", $0) }.joined(),
    value.replacing("&", with: "&amp;"), value.replacing("&", with: "\\u0026"),
    value.replacing("&", with: "&#38;"), value.replacing("&", with: "&#x26;"),
    value.replacing("&", with: "\\x26"),
  ]

  @Test(arguments: spellings) func `A person's text with the leaked value in it is refused with the place`(
    _ spelling: String
  ) throws {
    let entered = try EnteredText(about: "inc-00000001", in: journal)
    #expect(entered.place(in: "first line\nit was \(spelling) all along") == "line 2, column 8")
    let refusal = #expect(throws: Refusal.self) {
      try journal.admit([("the note", "it was \(spelling)")], about: "inc-00000001")
    }
    #expect(refusal?.kind == .declined)
    #expect(refusal.map { "\($0)".contains(spelling) } == false)
  }

  @Test
  func `A text about another incident is checked against its own values, and one about none against all`()
    throws
  {
    try journal.admit([("the note", "nothing to see"), ("--role", nil)], about: "inc-00000001")
    #expect(throws: Refusal.self) {
      try journal.admit([("--release-storm", "because of \(Self.value)")], about: nil)
    }
  }

  @Test func `A value that was destroyed no longer stands in the way`() throws {
    try journal.destroyKey(of: .incident("inc-00000001"))
    try journal.admit([("the note", "anything")], about: "inc-00000001")
  }

  @Test func `a name may be an ordinary word that leaked, and no value that cannot be one`() throws {
    let word = "inc-00000002/leaked"
    try journal.seal(
      [SecretRef(word): Secret("postgres")], under: .incident("inc-00000002"), purpose: "leaked",
      incident: "inc-00000002")
    try journal.admit([], names: [("--input", "database=postgres")], about: nil)
    #expect(throws: Refusal.self) {
      try journal.admit([("the note", "it was postgres")], about: "inc-00000002")
    }
    let refusal = #expect(throws: Refusal.self) {
      try journal.admit([], names: [("--input", "owner=\(Self.value)")], about: nil)
    }
    #expect(refusal?.because.contains("line 1, column 7") == true)
    #expect(refusal.map { "\($0)".contains(Self.value) } == false)
  }
}
