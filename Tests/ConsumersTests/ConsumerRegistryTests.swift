import Capabilities
import Consumers
import TestSupport
import Testing

@Suite struct ConsumerRegistryTests {
  @Test(arguments: ConsumerRegistry.all.map { $0.kind })
  func `docs PROVIDERS md says of a consumer what it can do`(kind: String) throws {
    try ProviderTable.check(try #require(ConsumerRegistry.all.first { $0.kind == kind }))
  }

  @Test func `docs PROVIDERS md has every consumer, and no other`() throws {
    #expect(ConsumerRegistry.all.filter { $0.kind.contains("_") }.map { $0.kind } == [])
    #expect(try ProviderTable.kinds(.consumers) == Set(ConsumerRegistry.all.map { $0.kind }))
  }
}
