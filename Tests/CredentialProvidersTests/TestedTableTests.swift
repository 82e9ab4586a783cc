import Capabilities
import CredentialProviders
import Foundation
import TestSupport
import Testing

/// docs/TESTED.md names what there is.
@Suite struct TestedTableTests {
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  @Test func `each row names kinds, suites and a command that there are`() throws {
    let sources = FileManager.default.enumerator(at: Self.tests, includingPropertiesForKeys: nil)
    let suites = Set(
      (sources?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }.flatMap { file in
        ((try? String(contentsOf: file, encoding: .utf8)) ?? "")  // a file that cannot be read names none
          .split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }).map(String.init)
      })
    let kinds = try ProviderTable.Section.allCases.flatMap { try ProviderTable.kinds($0) }
    let rows = try TestedTable.rows()
    #expect(!rows.isEmpty)
    for row in rows {
      #expect(Set(row.kinds).subtracting(kinds) == [], "\(row.system)")
      #expect(!row.suites.isEmpty && Set(row.suites).subtracting(suites) == [], "\(row.system)")
      #expect(["make test", "make test-heavy"].contains(row.command), "\(row.system)")
      #expect(["passed", "FAILED", "not run"].contains(row.result), "\(row.system)")
      #expect((row.result == "not run") == (row.date == "–"), "\(row.system)")
    }
  }

  @Test func `a provider whose tests are on a real server says which`() throws {
    let named = Set(try TestedTable.rows().flatMap(\.kinds))
    for type in CredentialProviderRegistry.all where type.profile?.world == .real {
      #expect(named.contains(type.kind), "give \(type.kind) a row in docs/TESTED.md")
    }
  }
}
