import Capabilities
import CredentialProviders
import JSON
import TestSupport
import Testing

@Suite struct CredentialProviderRegistryTests {
  @Test func `every provider is checked by the contract suite`() throws {
    let kinds = try ContractTable.kinds()
    for type in CredentialProviderRegistry.all {
      #expect(kinds.contains(type.kind), "give \(type.kind) a ContractFixture in its test file")
    }
  }

  @Test func `an unknown kind names the known ones`() {
    let error = #expect(throws: CapabilityError.self) {
      try CredentialProviderRegistry.make(
        TargetConfiguration(name: "it", kind: "postgress", settings: [:], position: "staunch.yaml:1:1"),
        in: .forTests())
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("postgres") == true)
  }
}
