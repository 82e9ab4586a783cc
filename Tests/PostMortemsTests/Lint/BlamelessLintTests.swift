import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

@testable import PostMortems

@Suite("Blameless lint")
struct BlamelessLintTests {
  @Test("findings name path, line, column, level, rule and what to write instead")
  func format() {
    let findings = Lint.findings("# T\n\nThis was human error.\n")
    #expect(
      findings.map(\.description) == [
        "pm.md:3:10: error BL03 \"human error\" stops the analysis; name the interface, the default or the missing guard"
      ])
    #expect(BlamelessLint.fails(findings))
    #expect(!BlamelessLint.fails(Lint.findings("The root cause.")))
  }

  @Test("columns count Unicode scalars, also after carriage returns and accents")
  func columns() {
    let finding = Lint.findings("ä\r\nÄöü human error\r\n").first
    #expect(finding?.line == 2)
    #expect(finding?.column == 5)
  }

  @Test("JSON counts by level and lists the findings")
  func json() {
    let document = BlamelessLint.document(Lint.findings("human error; the root cause"))
    #expect(document["schema"] == 1)
    #expect(document["errors"] == 1)
    #expect(document["warnings"] == 1)
    #expect(document["suggestions"] == 0)
    #expect(document["findings"]?[0]?["rule"] == "BL03")
  }

  @Test(
    "code, links, quotes, comments and quotations are skipped",
    arguments: [
      "`human error`", "``a ` human error``", "```\nhuman error\n```", "~~~\nhuman error\n~~~\n",
      "> human error",
      "[human error](https://x.y)", "[x](https://x.y/human error)", "https://x.y/?q=human-error",
      "<!-- human error -->", "<!--\nhuman error\n-->", "<q>human error</q>", "<https://x.y/human error>",
    ])
  func skipped(text: String) {
    #expect(Lint.findings(text).isEmpty)
  }

  @Test(
    "what stands around them is not skipped",
    arguments: [
      "`a` human error `b`", "```\nx\n```\nhuman error", "> x\n\nhuman error", "[human error] in brackets",
      "<q>x</q> human error", "unclosed ` human error", "human\nerror", "1 < 2, human error > 3",
    ])
  func notSkipped(text: String) {
    #expect(Lint.findings(text).map(\.rule) == ["BL03"])
  }

  @Test("a phrase does not reach over a blanked word, a row, a heading or a paragraph")
  func barriers() {
    for text in [
      "human `x` error", "| human |\n| error |", "# human\nerror", "human\n\nerror", "- human\n- error",
    ] {
      #expect(Lint.findings(text).isEmpty, "\(text)")
    }
  }

  @Test("a suppression with a reason holds to the end of its section")
  func suppression() {
    let text = """
      ## A

      human error
      <!-- lint off BL03: quoted from the ticket -->
      human error

      ## B

      human error
      """
    #expect(Lint.findings(text).map(\.line) == [3, 9])
  }

  @Test(
    "code is no prose, however it is fenced or indented",
    arguments: [
      "1. It printed:\n\n\t```\n\thuman error\n\t```\n",
      "````markdown\n```sh\nhuman error\n```\nhuman error\n````\n",
      "As follows:\n\n    human error\n\n    more human error\n", "   ~~~text\n   human error\n   ~~~\n",
      "---\ntitle: human error\n---\n\n# T\n", "- a\n\n      human error\n",
      "[x](https://x.example/q[]=human-error&y)\n",
    ])
  func codeBlocks(text: String) {
    #expect(Lint.findings(text).filter { $0.rule == "BL03" }.isEmpty, "\(text)")
  }

  @Test(
    "what only looks like code, or like a comment, is judged",
    arguments: [
      "```html\n<!-- open\n```\n\nhuman error\n", "`<!--` is a mark; human error\n",
      "<!-- never closed\n\nhuman error\n",
      "- a\n\n  human error in the item\n", "1. a\n\n    human error in the item\n",
      "text\n    human error goes on\n",
      "---\nno end of front matter\n\nhuman error\n", "```\nx\n````\nhuman error\n",
    ])
  func noCode(text: String) { #expect(Lint.findings(text).contains { $0.rule == "BL03" }, "\(text)") }

  @Test("a suppression or a header in a code block is an example")
  func commentsInCode() {
    let text =
      "```\n<!-- staunch: leak=removed audience=internal -->\n<!-- lint off BL03: example -->\n```\n\nhuman error\n"
    #expect(Lint.findings(text).map(\.rule) == ["BL03"])
  }

  @Test("fixing a text keeps its line ends", arguments: ["\n", "\r\n", "\r"])
  func fixedLineEnds(end: String) {
    let text = ["# T", "", "Ask @octocat now.", "", "And @octocat."].joined(separator: end)
    let fixed = BlamelessLint.fixed(text, Lint.findings(text))
    #expect(fixed == text.replacing("@octocat", with: "[contributor]"))
  }

  @Test("a suppression ends where the rule is turned on again, and touches no other rule")
  func suppressionEnds() {
    let text = """
      <!-- lint off BL03: reason -->
      human error, if only
      <!-- lint on BL03 -->
      human error
      """
    #expect(Lint.findings(text).map { "\($0.rule):\($0.line)" } == ["BL01:2", "BL03:4"])
  }

  @Test(
    "a suppression without a reason, or of an unknown rule, is itself an error and suppresses nothing",
    arguments: ["<!-- lint off BL03 -->", "<!-- lint off BL03: -->", "<!-- lint off BL77: reason -->"])
  func badSuppression(comment: String) {
    let findings = Lint.findings("\(comment)\nhuman error")
    #expect(findings.map(\.rule) == ["BL00", "BL03"])
    #expect(findings.first?.level == .error)
  }

  @Test("fresh drafts have no errors", arguments: ["contained", "drill", "opened", "alive", "failed"])
  func drafts(story: String) throws {
    let text = try PostMortem.redraft(
      events: Self.story(story).events, repositories: [JournalStory.evidence], incident: "inc-7f3a91c2",
      template: PackageFile.template("postmortem.md.mustache"), existing: nil
    ).text
    let findings = Lint.findings(text, names: JournalStory.evidence.people)
    #expect(!BlamelessLint.fails(findings), "\(findings.filter { $0.level == .error })")
    // The prompts of a fresh draft are still open: that is worth a word, not a failure.
    #expect(findings.contains { $0.rule == "BL23" })
  }

  @Test("docs/LINT.md lists the rules as they are")
  func reference() throws {
    let url = PackageFile.root.appending(path: "docs/LINT.md")
    let text = try String(contentsOf: url, encoding: .utf8)
    let parts = text.split(separator: /<!-- rules:(?:begin|end) -->\n?/, omittingEmptySubsequences: false)
    try #require(parts.count == 3)
    let wanted = "\(parts[0])<!-- rules:begin -->\n\(LintRule.reference)\n<!-- rules:end -->\n\(parts[2])"
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try wanted.write(to: url, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == wanted)
  }

  @Test("every rule of the table exists once")
  func complete() {
    let ids = LintRule.all(evidenceNames: []).map(\.id)
    let wanted = (1...23).map { "BL" + ($0 < 10 ? "0" : "") + String($0) } + ["BL90", "BL91"]
    #expect(ids.sorted() == wanted)
  }

  private static func story(_ name: String) -> JournalStory {
    switch name {
    case "drill": return .contained(mode: "drill")
    case "contained": return .contained()
    default:
      var story = JournalStory()
      story.about("inc-7f3a91c2")
      story.at(0, .incidentOpened, ["kind": "openai_api_key", "detected": "2026-11-24T03:00:00.000Z"])
      story.about("inc-7f3a91c2", run: "run-1")
      if name == "alive" { story.probe(2, .alive, code: "200") }
      if name == "failed" {
        story.at(
          3, .stepFailed,
          ["step": "x", "error": ["message": "the operator forgot it; it should have been set"]])
        story.at(4, .noted, ["text": "Ada Example should have looked. Human error!", "role": "responder"])
        story.at(5, .decision, ["what": "abort", "reason": "if only we had known", "role": "responder"])
        story.at(6, .todo, ["text": "Set the limit to 3", "role": "responder"])
      }
      return story
    }
  }
}
