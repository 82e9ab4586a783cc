import BuiltinContent
import Capabilities
import Incidents
import PlaybookTools
import Playbooks
import Testing

@Suite struct BuiltinPlaybookTests {
  static let library = PlaybookLibrary(
    builtin: BuiltinContent.playbooks.map { PlaybookLibrary.File(name: $0.path, text: $0.text) },
    parts: BuiltinContent.parts.map { PlaybookLibrary.File(name: $0.path, text: $0.text) })

  @Test(arguments: library.ids)
  func `A built-in playbook loads and the linter has nothing to say`(_ id: PlaybookID) throws {
    let playbook = try Self.library.load(id, catalogue: ActionSignature.builtin)
    #expect(Linter.diagnostics(of: playbook).map(\.description) == [])
  }

  @Test func `The playbooks that the routes name are there`() {
    #expect(
      Self.library.ids == [
        "aws-access-key", "aws-ecs-pipeline", "azure-storage-key", "clean-history", "database-password",
        "gcp-service-account-key", "generic-secret", "github-token", "gitlab-token",
        "kubernetes-model-server",
        "openai-and-database", "openai-api-key", "rotate-leaked-credential", "slack-token", "ssh-key",
        "terraform-state", "vault-token",
      ])
  }

  @Test(arguments: library.ids)
  func `One responder alone can contain: no built-in gate asks for two people`(_ id: PlaybookID) throws {
    let gates = try Self.library.load(id, catalogue: ActionSignature.builtin).allSteps.compactMap(\.approval)
    #expect(gates.allSatisfy { $0.minimum == 1 && !$0.isNotInitiator })
    #expect(!gates.isEmpty)
  }
}
