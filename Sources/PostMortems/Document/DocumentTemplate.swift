import Mustache

/// A parsed Mustache template of one kind of document.
///
/// The kind decides how `{{name}}` escapes, not the template: a team's own template is as safe as the built-in one.
struct DocumentTemplate {
  enum Kind: String {
    case markdown = "MARKDOWN"
    case html = "HTML"
    /// Copy-paste text for a chat or an e-mail: no markup to escape.
    case text = "TEXT"
  }

  private let template: MustacheTemplate

  private static let registration: Void = MustacheContentTypes.register(
    MarkdownContentType(), named: Kind.markdown.rawValue)

  /// - Throws: `.badTemplate` with line and column.
  init(_ text: String, as kind: Kind) throws(PostMortemError) {
    _ = DocumentTemplate.registration
    do {
      // On one line with the text, so that positions stay those of the file.
      template = try MustacheTemplate(string: "{{% CONTENT_TYPE:\(kind.rawValue)}}" + text)
    } catch let error as MustacheTemplate.ParserError {
      throw PostMortemError(
        .badTemplate, "the template was not read",
        because: "line \(error.context.lineNumber), column \(error.context.columnNumber): \(error.error)",
        fix: "correct the tag there (every {{#section}} needs its {{/section}}), then draft again")
    } catch {
      throw PostMortemError(
        .badTemplate, "the template was not read", because: "\(error)",
        fix: "compare it with the built-in template")
    }
  }

  func render(_ model: some Sendable) -> String { template.render(model) }
}
