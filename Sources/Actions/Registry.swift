public import Capabilities
public import Foundation

/// The built-in actions, each under the id of its signature.
public enum BuiltinActions {
  /// One line for each file of this room.
  public static func all(in environment: ActionEnvironment) -> [String: AnyAction] {
    let reads: [any ReadAction] = [
      ConsumerHealthCheck(targets: environment.targets),
      HistoryScanAction(targets: environment.targets, history: environment.history),
      HistoryVerify(targets: environment.targets, history: environment.history),
    ]
    let effects: [any EffectAction] = [
      ConsumerRollOut(targets: environment.targets),
      HistoryRewriteAction(targets: environment.targets, history: environment.history),
      HistoryPushAction(targets: environment.targets, history: environment.history),
      HistoryRestore(targets: environment.targets, history: environment.history),
      GuardInstall(
        targets: environment.targets, files: environment.files, processes: environment.processes),
      TicketAction(.open, in: environment),
      TicketAction(.update, in: environment),
      TicketAction(.close, in: environment),
      TicketAction(.notify, in: environment),
      AlertResolve(alerts: environment.alerts, briefs: environment.briefs),
      PostMortemDraft(writer: environment.postMortems),
      HTTPRequestAction(http: environment.http),
      CommandRun(processes: environment.processes),
    ]
    var actions = credentials(targets: environment.targets, now: environment.now)
    for action in reads { actions[action.signature.id] = .read(action) }
    for action in effects { actions[action.signature.id] = .effect(action) }
    return actions
  }

  /// Those about credentials and stores, which need nothing else.
  public static func credentials(targets: Targets, now: @escaping @Sendable () -> Date) -> [String: AnyAction]
  {
    let reads: [any ReadAction] = [
      CredentialVerify(targets: targets), CredentialInspect(targets: targets),
      AbuseSearch(targets: targets, now: now),
    ]
    let effects: [any EffectAction] = [
      CredentialIssue(targets: targets), CredentialDisable(targets: targets),
      CredentialEndSessions(targets: targets, now: now), CredentialDelete(targets: targets),
      SecretStoreAction(targets: targets),
    ]
    var actions: [String: AnyAction] = [:]
    for action in reads { actions[action.signature.id] = .read(action) }
    for action in effects { actions[action.signature.id] = .effect(action) }
    return actions
  }
}
