import Testing

@testable import SecretStores

/// What follows a new value in its own spelling, what is named because nobody can tell, and what is no copy at all.
@Suite struct CredentialCopyTests {
  /// A password that hurts in URLs, and a short one that is also a user's and a database's name.
  private static let password = "Leaked-pw-5/Q@#4"
  private static let word = "training"

  private func copy(_ name: String, _ text: String) -> CredentialCopy {
    CredentialCopy(name: name, text: Array(text.utf8))
  }

  @Test(arguments: [
    ("COPY", "Leaked-pw-5/Q@#4", "new value"),
    ("DATABASE_URL", "postgres://u:Leaked-pw-5%2FQ%40%234@h/d", "postgres://u:new%20value@h/d"),
    ("DATABASE_URL", "postgres://u:Leaked-pw-5%2fQ%40%234@h/d", "postgres://u:new%20value@h/d"),
    (
      "TWO", "a://u:Leaked-pw-5%2FQ%40%234@h b://u:Leaked-pw-5%2FQ%40%234@h",
      "a://u:new%20value@h b://u:new%20value@h"
    ),
  ])
  func `a long value follows wherever its spelling is known`(name: String, text: String, expected: String) {
    let copy = copy(name, text)
    #expect(copy.holding(Array(Self.password.utf8)) == .replaceable)
    #expect(
      copy.replacing(Array(Self.password.utf8), with: Array("new value".utf8)).map {
        String(decoding: $0, as: UTF8.self)
      }
        == expected)
  }

  @Test func `plain text takes a plain successor, and no other: nobody knows how it quotes`() {
    let copy = copy("DSN", "host=db user=app password=\(Self.password) dbname=x")
    #expect(
      copy.replacing(Array(Self.password.utf8), with: Array("N3w".utf8))
        == Array("host=db user=app password=N3w dbname=x".utf8))
    #expect(copy.replacing(Array(Self.password.utf8), with: Array("new value".utf8)) == nil)
  }

  @Test(arguments: [
    ("URL", "postgres://training:training@training/training", "postgres://training:N3w@training/training"),
    ("DSN", "dbname=training user=training password=training", "dbname=training user=training password=N3w"),
    (
      "CONFIG", "{\"user\": \"training\", \"password\": \"training\"}",
      "{\"user\": \"training\", \"password\": \"N3w\"}"
    ),
    ("PGPASSWORD", "training", "N3w"),
  ])
  func `of a word that is also a name only the password changes`(name: String, text: String, expected: String)
  {
    #expect(
      copy(name, text).replacing(Array(Self.word.utf8), with: Array("N3w".utf8)).map {
        String(decoding: $0, as: UTF8.self)
      }
        == expected)
  }

  @Test(arguments: [("DB_NAME", "training"), ("URL", "postgres://training@db/training")])
  func `a name that equals the password is left as it is, and is named`(name: String, text: String) {
    let copy = copy(name, text)
    #expect(copy.replacing(Array(Self.word.utf8), with: Array("N3w".utf8)) == nil)
    #expect(copy.holding(Array(Self.word.utf8)) == .unclear)
  }

  @Test(arguments: [("GREETING", "retraining"), ("OTHER", "nothing of it"), ("EMPTY", "")])
  func `other words are no copies`(name: String, text: String) {
    #expect(copy(name, text).holding(Array(Self.word.utf8)) == .nothing)
  }

  @Test func `another spelling is named, not rewritten`() {
    let copy = copy("AUTH", "Basic dTpMZWFrZWQtcHctNS9RQCM0")  // base64 of u: and the password
    #expect(copy.holding(Array(Self.password.utf8)) == .unclear)
    #expect(copy.replacing(Array(Self.password.utf8), with: Array("N3w".utf8)) == nil)
  }
}
