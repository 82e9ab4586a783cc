import Foundation
import Mustache

/// The pages of the console: documents of the board in, HTML out. Pure; a page is a function of its arguments.
public struct ConsolePages: Sendable {
  /// Where the static files are, by content-hashed addresses.
  public struct Assets: Sendable, Hashable {
    public let stylesheet: String
    public let script: String
    public let icon: String
    public init(stylesheet: String, script: String, icon: String) {
      self.stylesheet = stylesheet
      self.script = script
      self.icon = icon
    }
  }

  private let library: MustacheLibrary
  private let assets: Assets

  private static let registration: Void = MustacheContentTypes.register(
    ConsoleContentType(), named: ConsoleContentType.name)
  static let names = [
    "decide", "elapsed", "incident", "incident-row", "incidents", "message", "moment", "none", "notice",
    "outbox", "page", "pages", "people", "plan", "plan-body", "postmortem", "several", "sign-in", "stale",
    "state", "storm", "tabs", "tally",
  ]

  /// - Parameter templates: Mustache text by name, for example `incident`.
  /// - Throws: ``ConsolePagesError`` when one is missing or not valid.
  public init(templates: [String: String], assets: Assets) throws(ConsolePagesError) {
    _ = ConsolePages.registration
    var library = MustacheLibrary()
    for name in ConsolePages.names {
      guard let text = templates[name] else { throw ConsolePagesError(name, "it is missing") }
      do {
        // On one line with the text, so that positions stay those of the file.
        // Without the file's last line break: partials stand inside sentences.
        let text = text.hasSuffix("\n") ? String(text.dropLast()) : text
        try library.register("{{% CONTENT_TYPE:\(ConsoleContentType.name)}}" + text, named: name)
      } catch let error as MustacheTemplate.ParserError {
        throw ConsolePagesError(
          name, "line \(error.context.lineNumber), column \(error.context.columnNumber): \(error.error)")
      } catch {
        throw ConsolePagesError(name, "\(error)")
      }
    }
    self.library = library
    self.assets = assets
  }

  /// A page: `model` through the template `name`, inside the frame.
  func render(_ name: String, _ model: some Sendable, title: String, in frame: Frame, refresh: Int? = nil)
    -> String
  {
    // Every name was registered in `init`, so nothing is rendered as nothing.
    let body = library.render(model, withTemplate: name) ?? ""
    let page = PageModel(title: title, body: body, frame: frame, assets: assets, refresh: refresh)
    return library.render(page, withTemplate: "page") ?? ""
  }

  /// A template alone, without the frame.
  func part(_ name: String, _ model: some Sendable) -> String {
    library.render(model, withTemplate: name) ?? ""
  }

  /// What of the frame changes by itself, by the name of its region.
  func parts(of frame: Frame, title: String) -> [String: String] {
    let model = PageModel(title: title, body: "", frame: frame, assets: assets, refresh: nil)
    var parts = ["storm", "stale"].reduce(into: [:]) { $0[$1] = part($1, model) }
    if let viewer = model.viewer { parts["tabs"] = part("tabs", viewer) }
    return parts
  }

  /// The regions of a page that change by themselves, by name: what stands between `<!--live:NAME-->` and `<!--/live-->`. Text
  /// of others cannot hold these marks, because it is escaped.
  public static func parts(of page: String) -> [String: String] {
    var parts: [String: String] = [:]
    for piece in page.components(separatedBy: "<!--live:").dropFirst() {
      guard let name = piece.range(of: "-->"), let end = piece.range(of: "<!--/live-->") else { continue }
      parts[String(piece[..<name.lowerBound])] = String(piece[name.upperBound..<end.lowerBound])
    }
    return parts
  }
}

/// A template of the console cannot be used: our bug, found when the server starts.
public struct ConsolePagesError: Error, Sendable, Hashable, CustomStringConvertible {
  public let template: String
  public let because: String
  init(_ template: String, _ because: String) {
    self.template = template
    self.because = because
  }
  public var description: String { "the template templates/console/\(template).mustache: \(because)" }
}
