import Incidents
import Playbooks
import Testing

/// Files of `playbooks/kinds`, read; the built-in ones are judged in CredentialProvidersTests.
@Suite struct KindKnowledgeTests {
  static let text = """
    kind: acme_key
    provider: Acme
    authority: its user
    revoke:
      page: https://acme.example.org/keys
      steps:
        - Open Keys
        - Choose Delete
    issue:
      page: https://acme.example.org/keys
      steps: [Choose Create]
    survives: [sessions that are open]
    propagation: no time is documented
    usage: the audit log
    self_verify: {provider: acme, verb: verify}
    self_revoke: {not: "a person does it"}
    danger:
      makes_credentials: other keys
      reads_stores: false
      destroys: false
      spends: calls are billed
    documentation:
      - {address: https://acme.example.org/docs/keys, read: "2026-11-30"}

    """

  private func read(_ text: String, file: String = "kinds/acme_key.kind.yaml") throws(PlaybookError)
    -> KindKnowledge
  { try KindKnowledge.load(source: text, file: file) }

  @Test func `a file is read whole`() throws {
    let knowledge = try read(Self.text)
    #expect(knowledge.kind == "acme_key")
    #expect(knowledge.revoke.steps == ["Open Keys", "Choose Delete"])
    #expect(knowledge.selfVerify == .verb(provider: "acme", verb: .verify))
    #expect(knowledge.selfRevoke == .not(because: "a person does it"))
    #expect(knowledge.danger.makesCredentials && knowledge.danger.spends)
    #expect(!knowledge.danger.readsStores && !knowledge.danger.destroys)
    #expect(knowledge.danger.traits == [.makesCredentials, .spends])
    #expect(knowledge.documentation.map(\.read) == ["2026-11-30"])
  }

  /// What is written instead of what, and the place that is named.
  @Test(arguments: [
    ("authority: its user", "authority: \" \"", "3:12"),
    ("survives: [sessions that are open]", "survives: []", "12:11"),
    ("      steps: [Choose Create]", "", "10:3"),
    ("page: https://acme.example.org/keys\n  steps:", "page: http://acme.example.org/keys\n  steps:", "5:9"),
    ("self_verify: {provider: acme, verb: verify}", "self_verify: {provider: acme}", "15:14"),
    ("self_revoke: {not: \"a person does it\"}", "self_revoke: {not: x, provider: acme}", "16:33"),
    ("verb: verify", "verb: guess", "15:37"),
    ("reads_stores: false", "reads_stores: true", "19:17"),
    ("  spends: calls are billed\n", "", "18:3"),
    ("read: \"2026-11-30\"", "read: yesterday", "23:57"),
    ("usage: the audit log", "use: the audit log", "14:1"),
    ("kind: acme_key", "kind: acme_keys", "1:7"),
  ])
  func `what is wrong is named at its place`(_ old: String, _ new: String, _ place: String) throws {
    let text = Self.text.replacing(old.trimmingPrefix("    "), with: new)
    #expect(text != Self.text)
    let error = try #require(throws: PlaybookError.self) { try read(text) }
    #expect(error.diagnostics.map { "\($0.position.line):\($0.position.column)" }.contains(place), "\(error)")
  }

  @Test func `two files of one kind are refused, and a slip is met with what is near`() throws {
    let one = (name: "a/acme_key.kind.yaml", text: Self.text)
    #expect(throws: PlaybookError.self) {
      try KindKnowledgeTable(files: [one, (name: "b/acme_key.kind.yaml", text: Self.text)])
    }
    let table = try KindKnowledgeTable(files: [one])
    #expect(table.kinds(near: "acme_kye") == ["acme_key"])
    #expect(table.kinds(near: "acme") == ["acme_key"])
    #expect(table.kinds(near: "postgres") == [])
    #expect(table["acme_key"]?.provider == "Acme" && table["other"] == nil)
  }
}
