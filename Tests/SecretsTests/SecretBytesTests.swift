import Testing
import TestSupport

@Suite struct SecretBytesTests {
  private static let prelude = "import Secrets\nlet make = { SecretBytes(copying: [1, 2, 3] as [UInt8]) }\n"

  @Test func `a secret's bytes can be counted, so the other snippets fail for their own reason`() async throws
  {
    let diagnostics = try await SwiftSnippet(Self.prelude + "let bytes = make(); let n = bytes.count")
      .diagnostics()
    #expect(diagnostics == "")
  }

  @Test(arguments: [
    "print(make())", "dump(make())", "let text = \"\\(make())\"", "let text = String(describing: make())",
    "let all = [make()]", "let any: Any = make()",
    "import Foundation\nlet data = try JSONEncoder().encode(make())",
  ])
  func `printing, collecting or encoding secret bytes does not compile`(code: String) async throws {
    let diagnostics = try await SwiftSnippet(Self.prelude + code).diagnostics()
    #expect(diagnostics.contains("error:"))
    #expect(diagnostics.contains(/[Cc]opyable|'Encodable'/), "\(diagnostics)")
  }

  @Test(arguments: [
    "import Foundation\nlet data = try JSONEncoder().encode(Secret(\"x\"))",
    "let same = Secret(\"x\") == Secret(\"x\")",
    "let set: Set<Secret> = []",
  ])
  func `a shared secret is neither codable nor comparable nor hashable`(code: String) async throws {
    let diagnostics = try await SwiftSnippet("import Secrets\n" + code).diagnostics()
    #expect(diagnostics.contains("error:"))
  }
}
