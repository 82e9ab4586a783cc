public import Foundation
public import Incidents
import JSON

/// How a run stands when the engine lets go of it.
public struct RunEnd: Sendable, Hashable {
  public enum State: String, Sendable, Codable, CaseIterable {
    case done, failed, waiting, aborted
  }

  public let state: State
  /// Why, unless it is done.
  public let reason: String?
  /// It failed because the world changed since the plan.
  public let isDrift: Bool
  /// What it waits for.
  public let waits: [Wait]
  /// Notifications that did not get through; they never hold a run up.
  public let undelivered: [StepID]
  /// Steps of `finally` that failed, each with the reason.
  public let unfinished: [String]
  /// After an abort: effects that stay, each with the reason.
  public let remaining: [String]

  init(
    _ state: State, reason: String? = nil, isDrift: Bool = false, waits: [Wait] = [],
    undelivered: [StepID] = [], unfinished: [String] = [], remaining: [String] = []
  ) {
    self.state = state
    self.reason = reason
    self.isDrift = isDrift
    self.waits = waits
    self.undelivered = undelivered
    self.unfinished = unfinished
    self.remaining = remaining
  }
}

extension RunEnd {
  /// Reads the body of a `run.ended` event; nil when it names no state.
  init?(json: JSONValue) {
    guard let state = json["state"]?.string.flatMap(State.init) else { return nil }
    self.init(
      state, reason: json["reason"]?.string, isDrift: json["drift"] == true,
      undelivered: (json["undelivered"]?.array ?? []).compactMap { $0.string.map { StepID($0) } },
      unfinished: (json["unfinished"]?.array ?? []).compactMap(\.string),
      remaining: (json["remaining"]?.array ?? []).compactMap(\.string))
  }
}

/// Something that only a person (or time) can bring.
public struct Wait: Sendable, Hashable {
  public enum Subject: String, Sendable, Codable {
    /// A gate: `staunch approve`.
    case approval
    /// A manual step: `staunch done`.
    case manual
    /// Something outside that a person must bring first, for example a value that only they can issue: `staunch resume`.
    case person
    /// An effect nobody can tell the outcome of: retry or skip.
    case decision
    /// The run was stopped on request.
    case resume
    /// The containment of other incidents of its report: history comes after all of them.
    case containment
  }

  public let subject: Subject
  public let step: StepID?
  public let item: Int?
  /// What is asked, in one sentence.
  public let prompt: String
  public let until: Date?
}
