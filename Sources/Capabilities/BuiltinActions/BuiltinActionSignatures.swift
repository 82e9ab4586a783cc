/// The actions that every installation has: what a playbook may name after `uses:`.
///
/// The declarations live in `CredentialActionSignatures.swift`, `HistoryActionSignatures.swift` and
/// `OutreachActionSignatures.swift`; the room Actions implements them and returns the same value as its `signature`.
extension ActionSignature {
  /// Every built-in action, in the order of the reference page (docs/ACTIONS.md).
  public static let builtin: [ActionSignature] = [
    credentialVerify, credentialInspect, credentialIssue, credentialDisable, credentialEndSessions,
    credentialDelete, abuseSearch,
    secretStore, consumerRollOut, consumerHealth,
    historyScan, historyRewrite, historyVerify, historyPush, historyRestore, guardInstall,
    ticketOpen, ticketUpdate, ticketClose, notifySend, alertResolve, postmortemDraft,
    httpRequest, commandRun,
  ]

  /// The input named `name`, or nil.
  public func input(_ name: String) -> Parameter? { inputs.first { $0.name == name } }
}

extension ActionSignature.Effect {
  /// True when the action changes something that matters to the incident: it must be verified or undone.
  public var isMutating: Bool {
    switch self {
    case .read, .notify: false
    case .reversible, .irreversible: true
    }
  }
}
