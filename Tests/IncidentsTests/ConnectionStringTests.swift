import Incidents
import Secrets
import Testing

/// What a leaked text that is not the plain password says of it.
@Suite struct ConnectionStringTests {
  private static let word = "Mint-" + "Draft77&Leak"

  /// value, kind of the rule, kind, handle.
  @Test(
    arguments: [
      ("Mint-Draft77%26Leak", "basic_auth_url", "basic_auth_url", nil),
      (
        "jdbc:postgresql://h:5433/db?user=u&password=Mint-Draft77%26Leak", "postgres_uri", "postgres_uri",
        "u@h:5433/db"
      ),
      (
        "jdbc:sqlserver://h:1433;databaseName=db;user=u;password={\(word)}", "sqlserver_uri",
        "sqlserver_uri", "u@h:1433/db"
      ),
      ("postgres://u@h/db?password=Mint-Draft77%26Leak", "postgres_uri", "postgres_uri", "u@h/db"),
      ("postgres://u:wrong@h/db?password=Mint-Draft77%26Leak", "postgres_uri", "postgres_uri", "u@h/db"),
      ("host=h port=5433 user=u password=\(word) dbname=db", "postgres_uri", "postgres_uri", "u@h:5433/db"),
      ("host = 'h' user='u' password='\(word)'", "basic_auth_url", "postgres_uri", "u@h"),
      (
        "Server=tcp:h,1433;Initial Catalog=db;User Id=u;Password=\(word);", "sqlserver_uri", "sqlserver_uri",
        "u@h:1433/db"
      ),
      ("Host=h;Username=u;Password=\"\(word)\"", "postgres_uri", "postgres_uri", "u@h"),
      ("h.example:6380,password=\(word),ssl=True", "redis_uri", "redis_uri", "h.example:6380"),
    ] as [(String, String, String, String?)])
  func `a connection string is read, not taken for the password`(
    value: String, rule: String, kind: String, handle: String?
  ) {
    let reading = CredentialReading(of: Secret(value), kinds: [CredentialKind(rule)])
    #expect(reading.secret?.exposeAsText() == Self.word)
    #expect(reading.kind.rawValue == kind)
    #expect(reading.handle == handle)
  }

  @Test(arguments: [
    "****", "Mint-*****", "${DB_PASSWORD}", "$DB_PASSWORD", "<password>", "{{ pw }}", "%DB_PASSWORD%",
  ])
  func `a mask or a placeholder is no value`(text: String) {
    for value in [text, "postgres://u:\(text)@h/db", "host=h user=u password='\(text)'"] {
      #expect(CredentialReading(of: Secret(value), kinds: ["postgres_uri"]).secret == nil, "\(value)")
    }
  }

  @Test(arguments: ["postgres://u@h/db", "https://example.org/x", "jdbc:oracle:thin:@h:1521:db"])
  func `a connection string without a password is no value`(value: String) {
    #expect(CredentialReading(of: Secret(value), kinds: ["basic_auth_url"]).secret == nil)
  }

  @Test func `a bare password stays the value`() {
    for value in [Self.word, "a=b;c", "100%", "x,y=z"] {
      let reading = CredentialReading(of: Secret(value), kinds: ["postgres_uri"])
      #expect(reading.secret?.exposeAsText() == value)
    }
  }

  @Test(
    arguments: [
      ("curl-auth-user", "admin:Sup3rS3cretPw9x", "Sup3rS3cretPw9x", "admin"),
      ("betterleaks.curl-auth-user", "\"deploy:An0therPass-77x\"", "An0therPass-77x", "deploy"),
      ("curl-auth-user", "svc:pa:ss%40:W0rd", "pa:ss%40:W0rd", "svc"),
      ("curl-auth-user", "T0kenAsUserName88:", "T0kenAsUserName88", nil),
      ("curl-auth-user", ":T0kenAsPassw0rd99", "T0kenAsPassw0rd99", nil),
      ("curl-auth-header", "YWRtaW46U3VwM3JTM2NyZXRQdzl4", "Sup3rS3cretPw9x", "admin"),
      ("http_basic_authentication_header", "Basic YWRtaW46U3VwM3JTM2NyZXRQdzl4", "Sup3rS3cretPw9x", "admin"),
      ("curl-auth-header", "abcDEF123456ghiJKL7890mnop", "abcDEF123456ghiJKL7890mnop", nil),
      ("generic-credential-uri", "pa:ss", "pa:ss", nil),
    ] as [(String, String, String, String?)])
  func `a login on curl's command line is taken whole for the password`(
    rule: String, value: String, secret: String, handle: String?
  ) {
    let kinds: [CredentialKind] =
      rule.hasSuffix("header") ? ["basic_auth_url", "bearer_header"] : ["basic_auth_url"]
    let reading = CredentialReading(of: Secret(value), rule: rule, kinds: kinds)
    #expect(reading.secret?.exposeAsText() == secret)
    #expect(reading.handle == handle)
  }

  @Test func `a token in a login opens what it says, whichever half it is`() {
    let token = "ghp" + "_" + String(repeating: "aB3", count: 12)
    for value in ["\(token):x-oauth-basic", "\(token):", "robot:\(token)"] {
      let reading = CredentialReading(of: Secret(value), rule: "curl-auth-user", kinds: ["basic_auth_url"])
      #expect(reading.kind == "github_pat_classic", "\(value.hasSuffix(":"))")
      #expect(reading.secret?.exposeAsText() == token)
    }
  }
}
