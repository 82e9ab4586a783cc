import ConsolePages
import Foundation
import HummingbirdCore
import Inbox
import JSON

/// A page that a browser shows and wants to hear about: an address of ours.
struct LiveAddress: Sendable {
  /// As the browser has it.
  let here: String
  let path: [String]
  let query: FormFields?

  /// - Throws: 400 when the query is malformed; nil when it is no address of a page.
  init?(_ text: String) throws(Refusal) {
    guard text.hasPrefix("/"), text.utf8.count <= 2000 else { return nil }
    let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = ConsoleExchange.segments(String(parts[0])), !path.isEmpty else { return nil }
    here = text
    self.path = path
    query = parts.count == 2 && !parts[1].isEmpty ? try FormFields(Array(parts[1].utf8)) : nil
  }
}

/// What a browser shows of its page: only what differs from it is sent.
struct LiveState: Sendable {
  /// What tells, at the price of a few rows, that nothing can have changed.
  struct Stamp: Sendable, Hashable {
    var board = 0
    var isSilent = false
    var pending = 0
    var outcome: String?
  }
  var stamp: Stamp?
  /// Versions of the documents that the page is made of.
  var versions: [Int?] = []
  /// The plan that the page of an incident shows.
  var plan: String?
  /// Hashes of the regions, by name.
  var parts: [String: Int] = [:]
  /// Versions of the rows, and their order.
  var rows: [String: Int] = [:]
  var order: [String] = []
}

extension Console {
  /// What has changed on a page since `state`, which then stands for what the browser shows.
  ///
  /// A page is drawn with the clock of `moment` each time, so that clocks alone change nothing; the browser runs them itself.
  /// - Returns: the event's data; nil when nothing has changed. A page that is no more is `{"gone": true}`.
  func changes(
    on address: LiveAddress, for visitor: Visitor, at moment: Date, since state: inout LiveState
  ) throws -> JSONValue? {
    var stamp = LiveState.Stamp(board: try inbox.boardVersion(), pending: try inbox.pendingDecisionCount())
    let frame = try frame(visitor.viewer, here: address.here, now: moment)
    stamp.isSilent = frame.silence != nil
    stamp.outcome = try address.query?["said"].flatMap { Int($0) }.flatMap {
      try inbox.outcome(ofDecision: $0)
    }
    guard stamp != state.stamp else { return nil }
    state.stamp = stamp
    if address.path == ["incidents"] { return try listChanges(address, frame, since: &state) }
    let versions = try versions(of: address, frame, stamp, plan: state.plan)
    guard versions != state.versions else { return nil }
    state.versions = versions
    guard let html = try html(address.path, address.query, visitor, frame) else { return ["gone": true] }
    if address.path.count == 2, address.path[0] == "incidents" {
      state.plan = try inbox.document(kind: "incident", id: address.path[1])?.document["plan"]?["id"]?.string
      // The plan may be another one now: its version counts from here on.
      state.versions = try self.versions(of: address, frame, stamp, plan: state.plan)
    }
    return update(frame, parts: ConsolePages.parts(of: html), since: &state, rows: nil)
  }

  private func versions(
    of address: LiveAddress, _ frame: Frame, _ stamp: LiveState.Stamp, plan: String?
  ) throws -> [Int?] {
    var versions: [Int?] = [
      try inbox.version(kind: "storm", id: "current"), frame.undelivered, stamp.isSilent ? 1 : 0,
      stamp.outcome == nil ? 0 : 1,
    ]
    switch (address.path.first, address.path.count) {
    case ("incidents", 2...):
      versions += [
        try inbox.version(kind: "incident", id: address.path[1]),
        try plan.flatMap { try inbox.version(kind: "plan", id: $0) },
        try inbox.version(kind: "postmortem", id: address.path[1]), stamp.pending,
      ]
    case ("plans", 2): versions += [try inbox.version(kind: "plan", id: address.path[1]), stamp.board]
    default: versions.append(stamp.board)  // the outbox and the people
    }
    return versions
  }

  private func listChanges(_ address: LiveAddress, _ frame: Frame, since state: inout LiveState) throws
    -> JSONValue?
  {
    let (listing, versions) = try listing(ListAddress(address.query))
    let summaries = Dictionary(zip(versions.map(\.id), listing.rows)) { first, _ in first }
    var rows: [String: JSONValue] = [:]
    var known: [String: Int] = [:]
    for (id, version) in versions {
      known[id] = version
      guard state.rows[id] != version, let summary = summaries[id] else { continue }
      rows[id] = .string(pages.row(summary, in: frame))
    }
    let order = versions.map(\.id)
    let isMoved = order != state.order
    state.rows = known
    state.order = order
    return update(
      frame, parts: pages.parts(around: listing, in: frame), since: &state,
      rows: rows.isEmpty && !isMoved
        ? nil : ["rows": .object(rows), "order": .array(order.map { .string($0) })])
  }

  private func update(
    _ frame: Frame, parts: [String: String], since state: inout LiveState, rows: [String: JSONValue]?
  ) -> JSONValue? {
    let changed = parts.filter { state.parts[$0.key] != $0.value.hashValue }
    state.parts = parts.mapValues(\.hashValue)
    guard !changed.isEmpty || rows != nil else { return nil }
    var members: [String: JSONValue] = rows ?? [:]
    members["version"] = .integer(frame.version)
    members["parts"] = .object(changed.mapValues { .string($0.replacing("\0", with: "\u{FFFD}")) })
    return .object(members)
  }
}
