import Capabilities

/// docs/CONTRACT.md: which provider is checked for what, and against what. Each provider's own tests hold its row.
public enum ContractTable {
  private static let table = DocumentTable(
    path: "docs/CONTRACT.md", section: nil,
    columns: ["kind", "tested against", "issuing", "authority", "disable"] + ContractCheck.all.map(\.name))

  /// `| postgres | a real server | generated | yes | – | …`
  public static func row(_ fixture: any ContractFixture.Type) async throws -> String {
    var cells: [String] = []
    var kind = ""
    var facts: [String] = []
    for check in ContractCheck.all {
      // A world of its own for each: asking whether it applies may arrange it.
      let it = try await fixture.make()
      kind = Swift.type(of: it.provider).kind
      let able = it.provider.capabilities
      facts = [able.issuing.rawValue, able.authority.rawValue, able.disable.rawValue]
      cells.append(try await check.exempt(it) == nil ? "✓" : "–")
    }
    return DocumentTable.row(["`\(kind)`", fixture.against] + facts + cells)
  }

  /// Its row here, and the one in docs/PROVIDERS.md.
  /// - Throws: ``ContractViolation`` when the file's row is another one; with `RECORD_GOLDEN=1` it is written instead.
  public static func check(_ fixture: any ContractFixture.Type) async throws {
    try table.check(try await row(fixture))
    try await ProviderTable.check(fixture)
  }

  /// The kinds that have a row.
  public static func kinds() throws -> Set<String> { try table.names() }
}
