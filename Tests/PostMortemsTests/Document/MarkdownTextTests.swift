import Testing

@testable import PostMortems

@Suite("Markdown text")
struct MarkdownTextTests {
  @Test(
    "markup is escaped, ordinary text is not",
    arguments: [
      ("plain text, 3 > 2", "plain text, 3 \\> 2"), ("a|b", "a\\|b"), ("*bold* _it_", "\\*bold\\* \\_it\\_"),
      ("[a](b)", "\\[a\\](b)"), ("<b>", "\\<b\\>"), ("# title", "\\# title"), ("journal #12", "journal #12"),
      ("1. item", "1\\. item"), ("v1.2", "v1.2"), ("- item", "\\- item"), ("a - b", "a - b"),
      ("https://x.y", "https\\://x.y"), ("www.x.y", "www\\.x.y"), ("&lt;", "\\&lt;"), ("a & b", "a & b"),
      ("$x$", "\\$x\\$"), ("back\\slash", "back\\\\slash"),
    ])
  func escapes(text: String, expected: String) {
    #expect(MarkdownText.escaped(text) == expected)
  }

  @Test(
    "a code span is longer than any run of backticks in it and holds in a table",
    arguments: [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a|b", "`a\\|b`"), ("", "")])
  func spans(text: String, expected: String) {
    #expect(MarkdownText.codeSpan(text) == expected)
  }

  @Test("control and invisible characters are gone, line breaks become spaces unless they are kept")
  func stripping() {
    #expect(DocumentText("a\u{1B}[31mb\u{200B}\u{202E}c\nd\te\u{7F}").description == "a[31mbc d e")
    #expect(DocumentText(paragraphs: "a\nb\u{7}").description == "a\nb")
  }
}
