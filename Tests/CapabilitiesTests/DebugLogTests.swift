import Capabilities
import Testing

/// What a line of the debug log may show.
@Suite struct DebugLogTests {
  @Test(arguments: [
    ("https://api.example.org/v1/keys?token=abc", "GET api.example.org/v1/keys"),
    ("https://me:word@api.example.org:8443/v1", "GET api.example.org:8443/v1"),
    ("not an address", "GET (no address)"),
  ])
  func `a request is shown by host and path`(url: String, shown: String) {
    #expect(DebugLog.place(HTTPRequest(.get, url)) == shown)
  }

  @Test(arguments: [
    (["git", "fetch", "https://me:p@ss/word@example.org/r.git"], "git fetch https://…@example.org/r.git"),
    (["git", "push", "ssh://git@example.org/r.git", "main"], "git push ssh://…@example.org/r.git main"),
    (["curl", "http://a/b?token=abc#c"], "curl http://a/b?…"),
    (["redis-cli", "-h", "::1", "INFO"], "redis-cli -h ::1 INFO"),
    (["sh", "-c", String(repeating: "x", count: 501)], "sh -c (501 bytes)"),
  ])
  func `of an argument neither user nor query is shown, and no part of a long one`(
    arguments: [String], shown: String
  ) {
    #expect(DebugLog.command(arguments) == shown)
  }

  @Test(arguments: [
    (
      "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = $1",
      "SELECT FROM pg_catalog.pg_stat_activity"
    ),
    ("ALTER ROLE app PASSWORD 'SCRAM-SHA-256$4096:abc'", "ALTER ROLE"),
    ("SELECT 'a literal'", "SELECT"), ("COMMIT", "COMMIT"),
    ("COMMENT ON ROLE app IS 'copied from hunter2'", "COMMENT ON"),
  ])
  func `a statement is shown by its name, without literals`(statement: String, name: String) {
    #expect(DebugLog.statement(statement) == name)
  }
}
