import GitObjects
import Testing

@testable import GitHistory

@Suite struct ReflogTests {
  private func id(_ digit: Character) throws -> ObjectID {
    try #require(ObjectID(hex: String(repeating: digit, count: 40)))
  }

  @Test func `A rewritten log follows the objects, leaves out those that are gone, and is cleaned`() throws {
    let (a, b, c, d) = (try id("a"), try id("b"), try id("c"), try id("d"))
    let who = "Ada <ada@example.org> 1700000000 +0100"
    let log = Reflog(
      bytes: Array(
        """
        \(ObjectID.zero) \(a) \(who)\tcommit (initial): SECRET
        \(a) \(b) \(who)\tcommit: gone
        \(b) \(c) \(who)\tcommit: three

        """.utf8))
    let new = try log.rewritten(
      by: { $0 == a ? .rewritten(d) : $0 == b ? .dropped : .unchanged },
      cleaned: { line in
        let text = String(decoding: line, as: UTF8.self)
        return text.contains("SECRET") ? Array(text.replacing("SECRET", with: "X").utf8) : nil
      })
    #expect(
      String(decoding: new, as: UTF8.self) == """
        \(ObjectID.zero) \(d) \(who)\tcommit (initial): X
        \(ObjectID.zero) \(c) \(who)\tcommit: three

        """)
  }
}
