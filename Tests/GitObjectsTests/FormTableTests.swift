import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

/// Every row of the table, spelled by Python's libraries: found, removed, and read back to nothing.
@Suite struct FormTableTests {
  private struct Case: Codable {
    let row: String
    let how: String
    let secret: Data
    var text: Data
  }

  private static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/forms/forms.py").path

  @Test(arguments: [1, 2, 3, 4])
  func `what another library spells is found, removed, and decodes to nothing`(seed: Int) throws {
    let sandbox = try GitSandbox()
    let made = try sandbox.run("python3", [Self.script, "encode", String(seed)])
    let cases = try JSONDecoder().decode([Case].self, from: Data(made))
    var patterns: [Data: SecretPatterns] = [:]
    var cleaned: [Case] = []
    var rows: Set<String> = []
    for var one in cases {
      let pattern =
        try patterns[one.secret] ?? SecretPatterns(secrets: [Secret(SecretBytes(copying: one.secret))])
      patterns[one.secret] = pattern
      let text = Array(one.text)
      let name =
        "\(one.row) \(one.how): \(String(decoding: one.secret, as: UTF8.self)) in \(String(decoding: text, as: UTF8.self))"
      #expect(try !pattern.hits(in: text).isEmpty, "\(name)")
      guard let clean = try pattern.cleaned(text) else { continue }
      #expect(try pattern.hits(in: clean).isEmpty, "\(name)")
      one.text = Data(clean)
      cleaned.append(one)
      rows.insert(one.row)
    }
    let left = try sandbox.run(
      "python3", [Self.script, "decode"], input: Array(try JSONEncoder().encode(cleaned)))
    #expect(String(decoding: left, as: UTF8.self) == "")
    #expect(rows == Set(SecretForm.allCases.map(\.rawValue)).subtracting(["expression"]))
  }

  @Test func `the redactor hides what the scan finds`() throws {
    let sandbox = try GitSandbox()
    let made = try sandbox.run("python3", [Self.script, "encode", "5"])
    for one in try JSONDecoder().decode([Case].self, from: Data(made)) {
      guard let text = String(data: one.text, encoding: .utf8) else { continue }
      let redactor = Redactor()
      redactor.register(Secret(SecretBytes(copying: one.secret)))
      #expect(redactor.redact(text).contains(Redactor.mark), "\(one.row) \(one.how): \(text)")
    }
  }

  /// People and generators do not escape everything: what a parser reads is what counts.
  @Test(arguments: [
    #"{"pw":"Qx7\u0026Mint<Draft=55"}"#, "<a pw='Qx7&amp;Mint<Draft=55'/>",
    "p://u:Qx7&Mint%3CDraft=55@h",
    "Qx7%26Mint<Draft=55",
  ])
  func `a mix of escapes is found as a whole`(text: String) throws {
    let patterns = try patterns("Qx7&Mint<Draft=55", replacement: "GONE")
    let clean = String(decoding: try #require(try patterns.cleaned(Array(text.utf8))), as: UTF8.self)
    #expect(clean.contains("GONE") && !clean.contains("Mint") && !clean.contains("55"), "\(clean)")
  }

  /// Escapes by themselves, in every notation: one secret character by character, the others plain.
  @Test(arguments: [
    "p&#38;ss<w>\"d'", "p&#x26;ss<w>\"d'", "p&#X026;ss<w>\"d'", "p\\x26ss<w>\"d'", "p\\046ss<w>\"d'",
    "p%26ss<w>\"d'",
    "p&ss&#60;w>\"d'", "p&ss<w&#x3E;\"d'", "p&ss<w>&#34;d'", "p&ss<w>\"d&#39;", "p&ss<w>\"d\\047",
    "p&ss\\u003Cw>\"d'",
    "p&ss<w>\\u{22}d'", "p&ss<w\\x3e\"d'", "&#112;&ss<w>\"d'", "p&s&#115<w>\"d'", "p&ss<w>\"d&apos;",
    "p\\&ss<w>\\\"d\\'",
  ])
  func `one escaped character of a plain secret is enough to find it`(text: String) throws {
    let patterns = try patterns("p&ss<w>\"d'", replacement: "GONE")
    for around in [("", ""), ("pw=", "\n"), ("xx\\\\ %d &amp; ", "; \\n")] {
      let clean = try #require(try patterns.cleaned(Array((around.0 + text + around.1).utf8)), "\(text)")
      #expect(String(decoding: clean, as: UTF8.self) == around.0 + "GONE" + around.1)
    }
  }

  @Test func `text that only resembles an escaped secret is left alone`() throws {
    let patterns = try patterns("p&ss<w>\"d'")
    for text in [
      "p&#39;ss<w>\"d'", "p%2Gss<w>\"d'", "p\\x2", "&#112;", "p&amp", "%26%3C%3E", "p&#38;ss<w>\"d",
    ] {
      #expect(try patterns.cleaned(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func `the documentation tells how many spellings a value has`() throws {
    let page = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/FORMS.md"),
      encoding: .utf8)
    let rows = page.split(separator: "\n").filter {
      $0.hasSuffix(" |") && $0.split(separator: "|").count == 3
    }
    .compactMap { row -> (value: String, count: String)? in
      let parts = row.split(separator: "`", maxSplits: 2)
      guard row.contains(": `"), parts.count == 3 else { return nil }
      let cells = parts[2].split(separator: "|")
      return (String(parts[1]), cells[cells.count - 1].trimmingCharacters(in: .whitespaces))
    }
    #expect(rows.count == 4)
    for (value, count) in rows {
      #expect("\(SecretForms.entries(of: Array(value.utf8)).count)" == count, "\(value)")
    }
  }

  @Test func `no secret has more spellings than the bound says`() {
    let worst = (0x20...0x7E).map { String(UnicodeScalar(UInt8($0))) }.joined() + "äöüßéñ\r\nÄÖ\n€"
    let entries = SecretForms.entries(of: Array(worst.utf8))
    #expect(entries.count <= SecretForms.most && entries.count > 100)
    #expect(entries[0].bytes == Array(worst.utf8))
  }

  @Test func `the documentation lists every row and what is not searched`() throws {
    let page = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/FORMS.md"),
      encoding: .utf8)
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "`")[1] }
    #expect(rows.map(String.init) == SecretForm.allCases.map(\.rawValue))
    for line in SecretForms.notSearched { #expect(page.contains("- " + line), "\(line)") }
    for set in Charset.Other.allCases { #expect(page.contains(set.rawValue)) }
    #expect(page.contains("\(SecretForms.most) spellings"))
  }
}
