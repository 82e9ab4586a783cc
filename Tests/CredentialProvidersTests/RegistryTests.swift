import Capabilities
import JSON
import Playbooks
import TestSupport
import Testing

@testable import CredentialProviders

@Suite struct CredentialProviderRegistryTests {
  @Test func `every provider is checked by the contract suite`() throws {
    let kinds = try ContractTable.kinds()
    for type in CredentialProviderRegistry.all {
      #expect(kinds.contains(type.kind), "give \(type.kind) a ContractFixture in its test file")
    }
  }

  @Test func `docs PROVIDERS md has every provider, and no other`() throws {
    for type in CredentialProviderRegistry.all {
      #expect(type.profile != nil, "\(type.kind) declares no profile: see AdapterProfile")
    }
    #expect(try ProviderTable.kinds(.code) == Set(CredentialProviderRegistry.all.map { $0.kind }))
    #expect(try ProviderTable.kinds(.files) == Set(DescribedProviders.builtin.kinds))
  }

  @Test(arguments: DescribedProviders.builtin.kinds)
  func `docs PROVIDERS md says what a file describes`(kind: String) throws {
    let file = try #require(DescribedProviders.builtin[kind])
    try ProviderTable.check(file, DescribedProvider.capabilities(of: file, propagation: file.propagation))
  }

  @Test func `kinds of credentials are written with underscores, as kinds csv writes them`() {
    let kinds = CredentialProviderRegistry.all.map { $0.kind } + DescribedProviders.builtin.kinds
    #expect(kinds.filter { $0.contains("-") } == [])
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
