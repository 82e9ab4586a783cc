public import Foundation
import Incidents
public import JSON

/// Who looks at a page.
public struct Viewer: Sendable, Hashable {
  public let name: String
  public let roles: [String]
  /// The token that each form of this session carries.
  public let csrf: String
  /// False for a session that may look and note only.
  public let mayApprove: Bool
  /// False when a proxy keeps the session.
  public let canSignOut: Bool

  public init(name: String, roles: [String], csrf: String, mayApprove: Bool, canSignOut: Bool) {
    self.name = name
    self.roles = roles
    self.csrf = csrf
    self.mayApprove = mayApprove
    self.canSignOut = canSignOut
  }
}

/// What every page shows around its content.
public struct Frame: Sendable {
  public let viewer: Viewer?
  public let now: Date
  /// The board's version that the page shows.
  public let version: Int
  /// The board's `storm` document, while one is held.
  public let storm: JSONValue?
  /// Messages that did not provably arrive.
  public let undelivered: Int
  /// Path and query of the page: what live updates are asked for.
  public let here: String
  /// How long the worker has left no sign of life: what the board says is as old. Nil while it works.
  public let silence: Silence?

  /// A worker that says nothing.
  public enum Silence: Sendable, Hashable {
    /// For so many seconds.
    case lasting(Int)
    /// It has never worked on this exchange file.
    case always
  }

  public init(
    viewer: Viewer?, now: Date, version: Int, storm: JSONValue? = nil, undelivered: Int = 0,
    here: String = "/incidents", silence: Silence? = nil
  ) {
    self.here = here
    self.silence = silence
    self.viewer = viewer
    self.now = now
    self.version = version
    self.storm = storm
    self.undelivered = undelivered
  }
}

/// What a person reads after a form was refused.
public struct Failure: Sendable, Hashable {
  public let what: String
  public let because: String
  public let fix: String?
  public init(_ what: String, because: String, fix: String? = nil) {
    self.what = what
    self.because = because
    self.fix = fix
  }
}

struct PageModel: Sendable {
  struct Tab: Sendable {
    let href: String
    let label: String
    let isHere: Bool
    let count: Int?
    let countWord: String
  }
  struct Person: Sendable {
    let name: String
    let csrf: String
    let canSignOut: Bool
    let tabs: [Tab]
  }
  struct Storm: Sendable {
    let stormText: String
    let stormSince: Moment?
    /// For whoever may approve.
    let stormForm: Bool
    let csrf: String
    let oneRole: String?
    let manyRoles: Bool
    let roles: [String]
  }

  let title: String
  let body: String
  let stylesheet: String
  let script: String
  let icon: String
  let version: Int
  let isLive: Bool
  let refresh: Int?
  let renderedAt: String
  let viewer: Person?
  let storm: Storm?
  let here: String
  let stale: String?

  init(title: String, body: String, frame: Frame, assets: ConsolePages.Assets, refresh: Int?) {
    self.title = title
    self.body = body
    self.refresh = refresh
    stylesheet = assets.stylesheet
    script = assets.script
    icon = assets.icon
    version = frame.version
    isLive = frame.viewer != nil
    here = frame.here
    stale =
      switch frame.silence {
      case .lasting(let seconds)?: "The worker has been silent for \(ConsoleText.span(seconds))."
      case .always?: "The worker has not worked here yet."
      case nil: nil
      }
    renderedAt = String(Timestamp.text(frame.now).dropLast(5).map { $0 == "T" ? " " : $0 })
    viewer = frame.viewer.map { viewer in
      Person(
        name: viewer.name, csrf: viewer.csrf, canSignOut: viewer.canSignOut,
        tabs: [
          Tab(
            href: "/incidents", label: "Incidents", isHere: title == "Incidents", count: nil, countWord: ""),
          Tab(
            href: "/outbox", label: "Outbox", isHere: title == "Outbox",
            count: frame.undelivered > 0 ? frame.undelivered : nil, countWord: "undelivered"),
          Tab(href: "/people", label: "People", isHere: title == "People", count: nil, countWord: ""),
        ])
    }
    storm = frame.viewer.flatMap { viewer in
      frame.storm.map { storm in
        Storm(
          stormText: storm["text"]?.string ?? "More incidents than a person can have caused one by one.",
          stormSince: Moment(storm["since"]?.string, now: frame.now), stormForm: viewer.mayApprove,
          csrf: viewer.csrf, oneRole: viewer.roles.count == 1 ? viewer.roles.first : nil,
          manyRoles: viewer.roles.count > 1, roles: viewer.roles)
      }
    }
  }
}
