public import Capabilities
public import Foundation
public import Incidents
public import Playbooks

/// The plan of one effect that a person asks for by hand. It runs like any other: approved by its digest, locked, journalled
/// before and after, and settled by a probe when nobody knows how it ended.
public struct HandPlan: Sendable {
  public let playbook: Playbook
  public let plan: Plan

  /// - Parameters:
  ///   - effect: what would happen; the digest covers it.
  ///   - run: its id begins with ``RunID/byHandPrefix``.
  ///   - timeout: how long the effect may take.
  public init(
    _ action: ActionSignature, _ effect: PlannedEffect, lock: String, run: RunID, at date: Date,
    timeout: Duration
  ) {
    playbook = .oneStep(action, timeout: timeout)
    var line = PlannedStep(
      StepID(action.id), item: nil, title: action.summary, kind: .effect, certainty: .will, action: action)
    line.effect = effect
    plan = Plan(
      id: "direct", run: run, incident: nil, created: date, playbook: playbook.id,
      pins: [playbook.id: playbook.source.sha256], inputs: [:], locks: [lock], steps: [line])
  }
}
