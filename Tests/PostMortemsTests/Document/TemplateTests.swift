import Foundation
import Testing

@testable import PostMortems

@Suite("Templates")
struct TemplateTests {
  @Test(
    "docs/TEMPLATES.md lists every name that a built-in template uses",
    arguments: [
      "postmortem.md.mustache", "postmortem.html.mustache", "update-internal.txt.mustache",
      "update-executive.txt.mustache", "handover.md.mustache",
    ])
  func documented(file: String) throws {
    let text = try PackageFile.template(file)
    let reference = try String(
      contentsOf: PackageFile.root.appending(path: "docs/TEMPLATES.md"), encoding: .utf8)
    let tags = text.matches(of: /\{\{\{?[#^\/]?(?:\w+\()?([\w.\-]+)\)?\}?\}\}/).map { String($0.output.1) }
    #expect(tags.count > 5)
    for name in Set(tags) where name != "." && !name.hasPrefix("written.") {
      for part in name.split(separator: ".") { #expect(reference.contains("`\(part)`"), "\(name)") }
    }
  }

  @Test("in a Markdown template a variable is escaped and code() makes a code span")
  func markdown() throws {
    let model = ["name": DocumentText("a*b")]
    #expect(try DocumentTemplate("{{name}} {{{code(name)}}}", as: .markdown).render(model) == "a\\*b `a*b`")
  }

  @Test("in a page a variable is escaped for HTML, in text it is as it is")
  func others() throws {
    let model = ["name": DocumentText("<a>&\"")]
    #expect(try DocumentTemplate("{{name}}", as: .html).render(model) == "&lt;a&gt;&amp;&quot;")
    #expect(try DocumentTemplate("{{name}}", as: .text).render(model) == "<a>&\"")
  }
}
