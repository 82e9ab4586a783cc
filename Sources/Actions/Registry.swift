public import Capabilities

/// The built-in actions, each under the id of its signature.
public enum BuiltinActions {
  /// One line for each file of this room.
  public static func all(in environment: ActionEnvironment) -> [String: AnyAction] {
    let reads: [any ReadAction] = [
      CredentialVerify(targets: environment.targets),
      CredentialInspect(targets: environment.targets),
      AbuseSearch(targets: environment.targets, now: environment.now),
      ConsumerHealthCheck(targets: environment.targets),
      HistoryScanAction(targets: environment.targets, history: environment.history),
      HistoryVerify(targets: environment.targets, history: environment.history),
    ]
    let effects: [any EffectAction] = [
      CredentialIssue(targets: environment.targets),
      CredentialDisable(targets: environment.targets),
      CredentialEndSessions(targets: environment.targets, now: environment.now),
      CredentialDelete(targets: environment.targets),
      SecretStoreAction(targets: environment.targets),
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
    var actions: [String: AnyAction] = [:]
    for action in reads { actions[action.signature.id] = .read(action) }
    for action in effects { actions[action.signature.id] = .effect(action) }
    return actions
  }
}
