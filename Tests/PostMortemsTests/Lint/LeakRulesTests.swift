import PostMortems
import Secrets
import Testing

@Suite("Leak rules")
struct LeakRulesTests {
  @Test(
    "BL90: shapes of credentials, in code and quotes too",
    arguments: [
      LintCase.found("`" + "gh" + "p_" + String(repeating: "aB3", count: 12) + "`"),
      .found("> " + "AK" + "IA" + "ABCDEFGHIJKLMNOP"),
      .found("sk" + "-" + String(repeating: "x1Y", count: 8)),
      .found("postgres:" + "//app:hunter2@db.example/x"),
      .found(
        "-----BEGIN "
          + "OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n-----END OPENSSH PRIVATE KEY-----"
      ),
      .found("https:" + "//hooks.slack.com/services/T000/B000/" + String(repeating: "aB3", count: 8)),
      .fine("-----BEGIN " + "PRIVATE KEY-----"),
      .fine("`-----BEGIN " + "PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----`"),
      .fine("AK" + "IAIOSFODNN7EXAMPLE"), .fine("gh" + "p_" + String(repeating: "x", count: 36)),
      .fine("xox" + "b-your-token-goes-here"),
      .fine("https:" + "//hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
      .fine("sk" + "-1234-fix-the-leaked-key-everywhere"),
      .fine("postgres:" + "//app:<password>@db.example/x"),
      .fine("postgres:" + "//${DB_USER}:${DB_PASSWORD}@db.example/x"),
      .fine("https:" + "//user:xxxxx@host.example/"),
      .fine("redis:" + "//:REDACTED@cache.example:6379"),
      .found("redis:" + "//:hunter2hunter2@cache.example:6379"),
      .fine("https://example.org/path?x=1"), .fine("sk-short"),
      .fine("postgres:" + "//app:***REMOVED***@db.example/x"), .fine("the AKIA prefix"),
      .fine("0123456789abcdef0123456789abcdef01234567"),
    ])
  func shapes(test: LintCase) { Lint.expect("BL90", .error, test) }

  @Test("BL90: a secret of the run in any encoding, at its exact place, and never printed")
  func leakedValue() {
    let value = "correct horse" + " battery"
    let redactor = Redactor()
    redactor.register(Secret(value))
    for form in SecretForms.all(of: Secret(value)) where form.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
      let form = String(decoding: form, as: UTF8.self)
      let findings = Lint.findings(
        "# Title\n\n```\nx \(form) y\n```\n", findsSecret: { redactor.finds(in: $0) }
      )
      .filter { $0.rule == "BL90" }
      #expect(findings.count == 1)
      #expect(findings.first?.line == 4)
      #expect(findings.first.map { $0.column >= 3 } == true)
      #expect(!findings.contains { $0.description.contains(form) })
    }
    #expect(Lint.findings("# Title\n\nclean\n", findsSecret: { redactor.finds(in: $0) }).isEmpty)
  }

  @Test("BL90: a secret that spans lines is found")
  func spanning() {
    let redactor = Redactor()
    redactor.register(Secret("first line" + "\nsecond line"))
    let findings = Lint.findings("a first line\nsecond line b", findsSecret: { redactor.finds(in: $0) })
    #expect(findings.map(\.rule) == ["BL90"])
  }

  @Test("BL90 and BL91 cannot be suppressed", arguments: ["BL90", "BL91"])
  func noSuppression(rule: String) {
    let text = """
      <!-- staunch: leak=live audience=public -->
      <!-- lint off \(rule): we know -->
      \("AK" + "IA")ABCDEFGHIJKLMNOP https://forge.example/a/b/blob/main/x.py
      """
    let rules = Lint.findings(text).map(\.rule)
    #expect(rules.contains(rule))
    #expect(rules.contains("BL00"))
  }

  @Test(
    "BL91: a public document must not link to a leak that is still there",
    arguments: [
      LintCase.found(
        "<!-- staunch: leak=live audience=public -->\nhttps://forge.example/a/b/blob/main/x.py#L3"),
      .found("<!-- staunch: leak=dead audience=public -->\n[x](https://forge.example/a/b/commit/4f9d1c2)"),
      .found(
        "<!-- staunch: leak=live audience=internal -->\n## External message\n\nhttps://f.example/a/b/pull/3"),
      .fine("<!-- staunch: leak=removed audience=public -->\nhttps://forge.example/a/b/blob/main/x.py#L3"),
      .fine("<!-- staunch: leak=live audience=internal -->\nhttps://forge.example/a/b/blob/main/x.py#L3"),
      .fine("<!-- staunch: leak=live audience=public -->\nhttps://status.example/incidents"),
    ])
  func links(test: LintCase) { Lint.expect("BL91", .error, test) }
}
