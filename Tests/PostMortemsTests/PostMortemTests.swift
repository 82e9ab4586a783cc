import Chronicle
import Foundation
import Incidents
import JSON
import PostMortems
import TestSupport
import Testing

@Suite("Post-mortem draft")
struct PostMortemTests {
  private func draft(
    _ story: JournalStory, repositories: [RepositoryEvidence] = [JournalStory.evidence],
    existing: String? = nil,
    template: String? = nil
  ) throws -> String {
    try PostMortem.redraft(
      events: story.events, repositories: repositories, incident: "inc-7f3a91c2",
      template: template ?? PackageFile.template("postmortem.md.mustache"), existing: existing
    ).text
  }

  @Test("a contained incident reads as in the golden file")
  func golden() throws {
    try PackageFile.expect(draft(.contained()), matches: "contained.md")
  }

  @Test("an incident that just opened is all unknowns with reasons, no zeros")
  func opened() throws {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, ["kind": "openai_api_key", "detected": "2026-11-24T03:00:00.000Z"])
    let text = try draft(story, repositories: [])
    try PackageFile.expect(text, matches: "opened.md")
    #expect(!text.contains("| 0 "))
  }

  @Test("all 24 sections are there, in order")
  func sections() throws {
    let headings = try draft(.contained()).split(separator: "\n").filter { $0.hasPrefix("## ") }
    #expect(headings.count == 24)
    for (index, heading) in headings.enumerated() { #expect(heading.hasPrefix("## \(index + 1). ")) }
  }

  @Test("every row of the timeline links to an entry of the evidence index")
  func links() throws {
    let text = try draft(.contained())
    let cited = Set(text.matches(of: /\]\(#([a-z0-9\-]+)\)/).map { String($0.output.1) })
    let anchors = Set(text.matches(of: /<a id="([a-z0-9\-]+)">/).map { String($0.output.1) })
    #expect(!cited.isEmpty)
    #expect(cited.isSubset(of: anchors))
    #expect(anchors.count == text.matches(of: /<a id="/).count)
  }

  @Test("a drill is marked at the top, in the title, in the header and at the end")
  func drill() throws {
    let text = try draft(.contained(mode: "drill"))
    #expect(text.matches(of: /DRILL/).count >= 5)
    #expect(text.contains("# DRILL · Post-mortem of quiet-heron"))
    let visible = text.split(separator: "\n").filter { !$0.hasPrefix("<!-- staunch:lines") }
    #expect(visible.last == "> **DRILL. Nothing of this happened to a real system.**")
    #expect(try !draft(.contained()).contains("DRILL"))
  }

  @Test("what people wrote survives a new draft; the machine's parts are refreshed")
  func redraft() throws {
    var story = JournalStory.contained()
    let first = try draft(story)
    let impact = "No customer was affected.\n\n| table | rows |\n| --- | --- |\n| `runs` | 12 |"
    let edited = try #require(
      first.replacing(
        once: "_What was affected, for whom and for how long? Which record shows it?_", with: impact))
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(40, .noted, ["text": "Confirmed with the data team", "role": "responder"])
    let second = try draft(story, existing: edited)
    #expect(second.contains(impact))
    #expect(second.contains("Confirmed with the data team"))
    #expect(!first.contains("Confirmed with the data team"))
    #expect(try draft(story, existing: second) == second)
  }

  @Test("an editor that writes other line ends loses nothing")
  func lineEnds() throws {
    let first = try draft(.contained())
    let edited = try #require(
      first.replacing(
        once: "_What did you learn about how the system really works?_", with: "Tokens live long."))
    let windows = edited.replacing("\n", with: "\r\n")
    #expect(try draft(.contained(), existing: windows) == edited)
  }

  @Test("an untouched machine draft in a region follows the evidence")
  func refreshed() throws {
    var story = JournalStory.contained()
    let first = try draft(story)
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(40, .alive, code: "login accepted")
    let second = try draft(story, existing: first)
    #expect(first.contains("It was proven dead 9 min 42 s after detection."))
    #expect(!second.contains("It was proven dead 9 min 42 s after detection."))
    #expect(second.contains("the leaked value is not proven dead"))
  }

  @Test("a confirmed text stays when the evidence changes, and the machine's new draft is quoted below it")
  func confirmed() throws {
    var story = JournalStory.contained()
    let first = try draft(story)
    let edited = try #require(
      first.replacing(once: "It was proven dead 9 min 42 s after detection.", with: "It died fast."))
    #expect(try !draft(story, existing: edited).contains("The evidence changed"))
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(40, .alive, code: "login accepted")
    let second = try draft(story, existing: edited)
    #expect(second.contains("It died fast."))
    #expect(second.contains("> **The evidence changed after this was written.**"))
    #expect(second.contains("> Time to contain: unknown"))
    #expect(try draft(story, existing: second) == second)
  }

  @Test("an emptied region gets the machine's draft again")
  func emptied() throws {
    let first = try draft(.contained())
    let body = try #require(
      first.firstMatch(of: /(<!-- people:begin summary[^\n]*\n)[\s\S]*?(\n<!-- people:end summary)/))
    let emptied = first.replacingCharacters(in: body.range, with: body.output.1 + body.output.2)
    #expect(try draft(.contained(), existing: emptied) == first)
  }

  @Test("text of a region that a new template does not have is kept at the end")
  func orphan() throws {
    let first = try draft(.contained())
    let edited = try #require(
      first.replacing(
        once: "_What did you learn about how the system really works?_", with: "Tokens outlive their owners.")
    )
    let second = try draft(
      .contained(), existing: edited,
      template: "# {{header.codename}}\n<!-- people:begin own -->\n<!-- people:end own -->\n")
    #expect(second.hasPrefix("# quiet-heron\n"))
    #expect(second.contains("## Kept from an earlier template"))
    #expect(second.contains("Tokens outlive their owners."))
  }

  @Test("text outside of the marked regions is kept at the end, with the heading above it")
  func outside() throws {
    let first = try draft(.contained())
    let edited = try #require(
      first.replacing(once: "## 6. ", with: "The customer called twice.\n\n    indented: 1\n\n## 6. "))
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(40, .noted, ["text": "A later note", "role": "responder"])
    let redraft = try PostMortem.redraft(
      events: story.events, repositories: [JournalStory.evidence], incident: "inc-7f3a91c2",
      template: PackageFile.template("postmortem.md.mustache"), existing: edited)
    #expect(redraft.moved == 1 && redraft.isTouched)
    #expect(redraft.text.contains("<!-- people:begin kept"))
    #expect(redraft.text.contains("The customer called twice.\n\n    indented: 1"))
    #expect(redraft.text.contains("_Stood below \"5. Impact\":_"))
    #expect(redraft.text.contains("A later note"))
    #expect(try draft(story, existing: redraft.text) == redraft.text)
    // What the person moves out of it is gone from there.
    let body = try #require(
      redraft.text.firstMatch(of: /(<!-- people:begin kept[^\n]*\n)[\s\S]*?(\n<!-- people:end kept)/))
    let emptied = redraft.text.replacingCharacters(in: body.range, with: body.output.1 + body.output.2)
    #expect(try !draft(story, existing: emptied).contains("people:begin kept"))
  }

  @Test("a changed machine line, and a region whose two markers are gone, are kept too")
  func lostMarkers() throws {
    let first = try draft(.contained())
    let written = try #require(
      first.replacing(
        once: "_What was affected, for whom and for how long? Which record shows it?_", with: "Two customers."
      ))
    let unmarked = written.replacing(/<!-- people:(?:begin|end) impact[^\n]*\n/, with: "")
      .replacing("| Severity |", with: "| Severity (too high?) |")
    let second = try draft(.contained(), existing: unmarked)
    #expect(second.contains("Two customers."))
    #expect(second.contains("Severity (too high?)"))
  }

  @Test("what a formatter of Markdown changes is nobody's text")
  func formatted() throws {
    let first = try draft(.contained())
    let formatted = first.replacing("| | |\n| --- | --- |", with: "|     |     |\n| :------- | --- |")
      .replacing("| Codename |", with: "| Codename     |")
      .replacing("<!-- people:begin ", with: "<!--   people:begin  ")
      .replacing("_To be confirmed._", with: "*To be confirmed.*")
    #expect(formatted != first)
    let redraft = try PostMortem.redraft(
      events: JournalStory.contained().events, repositories: [JournalStory.evidence],
      incident: "inc-7f3a91c2",
      template: PackageFile.template("postmortem.md.mustache"), existing: formatted)
    #expect(redraft.text == first)
    #expect(!redraft.isTouched && redraft.moved == 0)
  }

  @Test("a draft of an older version, which does not tell its machine's lines, loses nothing either")
  func olderDraft() throws {
    let first = try draft(.contained()).replacing(/<!-- staunch:lines[^\n]*\n/, with: "")
    let edited = try #require(first.replacing(once: "## 6. ", with: "A remark.\n\n## 6. "))
    #expect(try draft(.contained(), existing: edited).contains("A remark."))
    #expect(try !draft(.contained(), existing: first).contains("people:begin kept"))
  }

  @Test(
    "a file that is no draft of this incident is left as it is",
    arguments: [
      ("# My notes\n\nThe customer called.\n", "no draft of staunch"),
      (
        "<!-- staunch: incident=inc-other leak=live audience=internal -->\n# Title\n",
        "the draft of inc-other"
      ),
    ])
  func otherFile(text: String, because: String) {
    let error = #expect(throws: PostMortemError.self) { try draft(.contained(), existing: text) }
    #expect(error?.code == .otherFile)
    #expect(error?.because.contains(because) == true)
  }

  @Test("a page or JSON that somebody has changed is told from one as it was made")
  func made() {
    let page = MadeFile.marked(page: "<!doctype html>\n<p>ü</p>")
    #expect(MadeFile.isUntouched(page: Array(page.utf8)))
    #expect(!MadeFile.isUntouched(page: Array(page.replacing("ü", with: "u").utf8)))
    #expect(!MadeFile.isUntouched(page: Array("<!doctype html>".utf8)))
    let facts = JSONValue(dictionaryLiteral: ("journal_head", .null), ("schema", 1)).canonicalText + "\n"
    #expect(MadeFile.isUntouched(json: Array(facts.utf8)))
    #expect(!MadeFile.isUntouched(json: Array("{\"mine\": 1}\n".utf8)))
    #expect(!MadeFile.isUntouched(json: Array("my notes".utf8)))
  }

  @Test("UTF-16 is read, Latin-1 is refused with its line, and neither becomes question marks")
  func encodings() throws {
    let text = "# Bericht\n\nFür Kunden: 12 €\n"
    for (encoding, mark) in [
      (String.Encoding.utf16LittleEndian, [0xFF, 0xFE]), (.utf16BigEndian, [0xFE, 0xFF]),
    ] {
      let bytes = mark.map(UInt8.init) + Array(try #require(text.data(using: encoding)))
      let read = try DocumentBytes.text(of: bytes, name: "a.md")
      #expect(read.text == text && read.isConverted)
    }
    #expect(try DocumentBytes.text(of: Array("\u{FEFF}\(text)".utf8), name: "a.md").text == text)
    let latin = Array("# Bericht\n\nF".utf8) + [0xFC] + Array("r Kunden\n".utf8)
    let error = #expect(throws: PostMortemError.self) { try DocumentBytes.text(of: latin, name: "a.md") }
    #expect(error?.code == .badEncoding)
    #expect(error?.because.contains("line 3") == true)
    #expect(error?.fix.contains("iconv") == true)
  }

  @Test(
    "a draft whose markers are damaged is refused with the line, and nothing is lost",
    arguments: [
      ("<!-- people:end impact -->", "", "begins inside region \"impact\""),
      ("<!-- people:begin impact", "<!-- gone", "ends where it did not begin"),
      ("<!-- people:begin audit", "<!-- people:begin summary", "a second time"),
      ("<!-- people:begin impact", "<!– people:begin impact", "altered"),
      ("<!-- people:end impact -->", "&lt;!-- people:end impact --&gt;", "altered"),
    ])
  func damaged(marker: String, replacement: String, because: String) throws {
    let edited = try #require(try draft(.contained()).replacing(once: marker, with: replacement))
    let error = #expect(throws: PostMortemError.self) { try draft(.contained(), existing: edited) }
    #expect(error?.code == .badRegions)
    #expect(error?.because.contains(because) == true)
    #expect(error?.because.hasPrefix("line ") == true)
  }

  @Test("a broken template is refused with line and column")
  func badTemplate() {
    let error = #expect(throws: PostMortemError.self) {
      try draft(.contained(), template: "# Title\n{{#summary}}\nnever closed\n")
    }
    #expect(error?.code == .badTemplate)
    #expect(error?.because.contains("line ") == true)
  }

  @Test("an unknown incident is refused")
  func unknownIncident() {
    let error = #expect(throws: PostMortemError.self) {
      try PostMortem.redraft(events: [], repositories: [], incident: "inc-none", template: "", existing: nil)
    }
    #expect(error?.code == .unknownIncident)
  }

  @Test("hostile names cannot add markup, rows, regions or control sequences")
  func hostile() throws {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    let hostile =
      "x|y`z` <script>alert(1)</script> [a](http://evil.example)\n<!-- people:end summary -->\u{1B}[31m\u{202E}gpj"
    story.at(
      0, .incidentOpened,
      [
        "kind": .string(hostile), "source": .string(hostile), "codename": .string(hostile),
        "detected": "2026-11-24T03:00:00.000Z", "locations": [["path": .string(hostile), "repository": "r"]],
      ])
    story.at(1, .noted, ["text": .string(hostile), "role": "responder"])
    let text = try draft(story, repositories: [])
    let scalars = text.unicodeScalars
    #expect(!scalars.contains { $0.value < 0x20 && $0 != "\n" })
    #expect(!scalars.contains("\u{202E}"))
    // Outside code spans (which hold a whole "``…``" here) no tag stands without its escape.
    let prose = text.replacing(/``x\\\|y`z`.*?``/, with: "")
    #expect(prose != text)
    let active = prose.replacing(/\\./, with: "")
    #expect(!active.contains("](http"))
    #expect(!active.contains("<script"))
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| 2026-") }
    #expect(!rows.isEmpty)
    for row in rows { #expect(row.replacing("\\|", with: "").count { $0 == "|" } == 5) }
  }

  @Test("without a report the rewrite's outcome tells what changed and what remains")
  func journalledRewrite() throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.effect(
      24, step: "again", item: 0, action: "history.rewrite",
      outputs: [
        "commits": 7, "refs": 3, "signatures_dropped": 0, "backup": "backup-2",
        "residual": ["refs/pull/3/head: the forge keeps it: for ever; fix: ask its support", "stash"],
      ])
    let text = try draft(story, repositories: [])
    #expect(text.contains("7 commits, 3 refs | 0 | `backup-2`"))
    #expect(
      text.contains("| models | `refs/pull/3/head` | the forge keeps it: for ever | ask its support |"))
    #expect(text.contains("| models | `stash` |  |  |"))
    #expect(text.matches(of: /`stash`/).count == 1)
  }

  @Test("places are listed once, up to a hundred, and the rest is counted")
  func manyPlaces() throws {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    let places = (1...150).map { JSONValue.object(["key": .integer($0), "path": .string("file-\($0).py")]) }
    story.at(0, .incidentOpened, ["locations": .array(Array(places[..<3]))])
    story.at(1, .incidentUpdated, ["locations": .array(places), "further_findings": 7])
    let text = try draft(story, repositories: [])
    #expect(text.matches(of: /`file-1\.py`/).count == 1)
    #expect(text.matches(of: /`file-/).count == 100)
    #expect(text.contains("57 more places stand in the journal."))
  }

  @Test("authors, addresses and handles in people's words become roles; pasted tokens are removed")
  func people() throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    let token = "ghp" + "_" + String(repeating: "a1B2", count: 9)
    story.at(
      30, .noted,
      ["text": .string("Ada Example (ada@example.org, @ada) pasted \(token)"), "role": "responder"])
    let text = try draft(story)
    for leak in ["Ada", "ada@", "@ada", "ghp" + "_"] { #expect(!text.contains(leak)) }
    #expect(text.contains("\\[contributor\\]"))
  }

  @Test("the page is one file that loads nothing, with every section and what people wrote")
  func page() throws {
    let story = JournalStory.contained(mode: "drill")
    let markdown = try #require(
      draft(story).replacing(
        once: "_What did you learn about how the system really works?_",
        with: "Tokens <outlive> their\nowners."))
    let page = try PostMortem.page(
      events: story.events, repositories: [JournalStory.evidence], incident: "inc-7f3a91c2",
      template: PackageFile.template("postmortem.html.mustache"), document: markdown)
    try PackageFile.expect(page, matches: "drill.html")
    #expect(page.contains("Tokens &lt;outlive&gt; their\nowners."))
    #expect(page.matches(of: /<h2>/).count == 24)
    #expect(page.matches(of: /DRILL/).count >= 6)
    // An address may stand there as text; nothing is loaded and no link leads out.
    #expect(!page.contains("src=") && !page.contains("<script"))
    #expect(page.matches(of: /url\([^#]/).isEmpty)
    #expect(page.matches(of: /href="[^#]/).isEmpty)
    let cited = Set(page.matches(of: /href="#([a-z0-9\-]+)"/).map { String($0.output.1) })
    let ids = Set(page.matches(of: /\bid="([a-z0-9\-]+)"/).map { String($0.output.1) })
    #expect(cited.isSubset(of: ids))
  }

  @Test("in a page hostile text is text")
  func hostilePage() throws {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'\u{1B}]0;x\u{7}"
    story.at(
      0, .incidentOpened,
      ["kind": .string(hostile), "codename": .string(hostile), "locations": [["path": .string(hostile)]]])
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(1, .alive, code: hostile, credential: hostile)
    let page = try PostMortem.page(
      events: story.events, repositories: [], incident: "inc-7f3a91c2",
      template: PackageFile.template("postmortem.html.mustache"), document: nil)
    #expect(!page.contains("<script") && !page.contains("<img"))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
  }

  @Test("JSON holds the metrics as numbers and the reasons of what is unknown")
  func json() throws {
    let document = try PostMortem.json(
      events: JournalStory.contained().events, repositories: [], incident: "inc-7f3a91c2", document: nil)
    let metrics = try #require(document["metrics"]?.array)
    let contain = metrics.first { $0["id"] == "time_to_contain" }
    #expect(contain?["value"]?["ms"] == 582_000)
    let latent = metrics.first { $0["id"] == "latent" }
    #expect(latent?["value"]?["unknown"] == "t_push: no forge record of the first push")
    #expect(document["timeline"]?[0]?["evidence"]?["journal"] == 1)
    #expect(document["written"] == [:])
  }
}

extension String {
  /// This text with the only occurrence of `old` replaced; nil when it does not occur.
  fileprivate func replacing(once old: String, with new: String) -> String? {
    range(of: old).map { replacingCharacters(in: $0, with: new) }
  }
}
