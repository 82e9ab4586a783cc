// Credentials, the stores that keep them and the programs that use them.
extension ActionSignature {
  private static let credential = Parameter(
    "credential", .credential, "the credential target of staunch.yaml")

  private static let replaces = Parameter(
    "replaces", .list(.secret), required: false,
    "leaked values that it succeeds: entries of the store that hold them too are written along, and a store that holds "
      + "another value that is accepted keeps it: nothing is issued")
  private static let followed = Parameter(
    "followed", .list(.string), "other entries of the store that held the old value and hold the new one now")
  private static let stillOld = Parameter(
    "still_old", .list(.string),
    "entries of any store that still hold the old value: what reads them fails until a person changes them")

  /// Tries a secret at its provider.
  public static let credentialVerify = ActionSignature(
    id: "credential.verify", effect: .read,
    summary:
      "Tries one or several secrets at their provider: dead only when each is refused, alive when any is accepted. With `expect: dead` and `consecutive` above 1 it is the proof of death: the refusals go on until the propagation time is over since the last change.",
    inputs: [
      credential,
      Parameter("secret", .list(.secret), "what to try: one secret, or every leaked value of one credential"),
      Parameter("ref", .string, required: false, "its public id, where that is known"),
      Parameter(
        "control", .secret, required: false,
        "a secret of the same kind that must be accepted before and after a refusal: the replacement"),
      Parameter("control_ref", .string, required: false, "the control's public id"),
    ],
    outputs: [
      Parameter("state", .string, "`alive`, `dead` or `unknown`; a time-out or a 5xx is unknown"),
      Parameter(
        "replaced", .boolean,
        "true when each is dead and its account takes another one that is known here: somebody has changed it already"
      ),
      Parameter(
        "code", .string, "the provider's own word on the value that decided, for example `401` or `28P01`"),
      Parameter(
        "still_old", .list(.string),
        "where they are dead: entries of any store that still hold one of them; what reads those fails until a person "
          + "changes them"),
    ],
    answers: ["alive", "dead", "unknown"])

  /// Evidence that is gone after the kill.
  public static let credentialInspect = ActionSignature(
    id: "credential.inspect", effect: .read,
    summary:
      "Takes a snapshot of what the provider knows about a credential: evidence that is gone after the kill.",
    inputs: [
      credential, Parameter("secret", .list(.secret), "the secret, or the values, whose credential is meant"),
    ],
    outputs: [
      Parameter("ref", .string, "its public id at the provider"),
      Parameter("facts", .any, "owner, scopes, created, last_used, privilege, as far as the provider tells"),
      Parameter(
        "reach", .list(.string),
        "what it can read and change, as far as the provider tells; empty when it does not"),
    ])

  /// Makes the replacement and hands it to its store, in two journalled phases: `issue`, `store`.
  public static let credentialIssue = ActionSignature(
    id: "credential.issue", effect: .reversible,
    summary:
      "Makes a replacement and hands it to its store (two journalled phases: issue, store). At a provider without overlap the old one stops working now. Nothing is issued whose store the leaked one can read. Where only a person can issue one, the run waits until they have.",
    inputs: [
      credential,
      Parameter("store", .store, "where the new value is kept"),
      Parameter(
        "key", .string, required: false,
        "its name in the store; without it, the one of the credential's entry"),
      replaces,
    ],
    outputs: [
      Parameter("ref", .string, "the public id of the replacement"),
      Parameter("secret", .secret, "a handle to its value"),
      Parameter("version", .string, "the store's version that holds it"),
      followed, stillOld,
      Parameter("kept", .boolean, "true when the store's value was one already and nothing was issued"),
      Parameter(
        "fields", .list(.secret),
        "handles to its secret fields, where it has several: each ends in the field's name"),
      Parameter("public", .any, "its public fields by name, where it has several"),
      Parameter("expires", .timestamp, "when it ends by itself; null: it does not, or nobody says"),
    ])

  /// Stops the leaked secret from being accepted.
  public static let credentialDisable = ActionSignature(
    id: "credential.disable", effect: .reversible,
    summary: "Stops a leaked secret from being accepted. It is never enabled again.",
    inputs: [
      credential,
      Parameter(
        "secret", .list(.secret), required: false,
        "the leaked secret, or every leaked value of it; may be absent where `ref` says which one is meant"),
      Parameter("ref", .string, required: false, "its public id, where a snapshot or a report gave it"),
      Parameter(
        "replaced_by", .string, required: false,
        "the replacement's public id: when it is the same as the old one, the new value stays usable"),
    ],
    outputs: [
      Parameter("ref", .string, "the public id of what was disabled"),
      Parameter("refs", .list(.string), "every place where it was: nodes, host rows, slots"),
    ])

  /// Ends what was opened with the leaked secret.
  public static let credentialEndSessions = ActionSignature(
    id: "credential.end-sessions", effect: .reversible,
    summary:
      "Ends the sessions opened with the leaked secret and counts again; a provider that keeps none answers none_left.",
    inputs: [
      credential,
      Parameter("secret", .list(.secret), "the leaked secret, or every leaked value of it"),
      Parameter("ref", .string, required: false, "its public id, where a snapshot found it"),
    ],
    outputs: [
      Parameter("found", .integer, "sessions at the first count"),
      Parameter("ended", .integer, "sessions that were ended"),
      Parameter("left", .integer, "sessions at the recount"),
    ],
    answers: ["none_left", "some_left"])

  /// Removes a credential for good.
  public static let credentialDelete = ActionSignature(
    id: "credential.delete", effect: .irreversible,
    summary: "Removes a credential at its provider for good.",
    inputs: [credential, Parameter("ref", .string, "its public id")],
    outputs: [])

  /// Looks for uses nobody expects.
  public static let abuseSearch = ActionSignature(
    id: "abuse.search", effect: .read,
    summary: "Looks in the provider's evidence for uses that nobody expects.",
    inputs: [
      credential,
      Parameter(
        "since", .timestamp, required: false,
        "start of the exposure window; null when nobody knows it: then as far back as there is evidence"),
      Parameter(
        "secret", .list(.secret), required: false, "the leaked secret or its values, to find its public id"),
      Parameter("ref", .string, required: false, "its public id"),
    ],
    outputs: [
      Parameter(
        "seen", .boolean,
        "true when such uses were seen, false when every use that was searched is expected; null when nobody can say"
      ),
      Parameter(
        "coverage_percent", .integer,
        "the part of the window that the evidence answers for, 0…100, measured; null when it cannot be measured"
      ),
      Parameter(
        "covered_from", .timestamp, "start of what the evidence answers for; null when it does not say"),
      Parameter("covered_until", .timestamp, "its end"),
      Parameter("findings", .list(.string), "one line each, without secrets"),
      Parameter(
        "successors", .list(.string),
        "credentials that it made since then: they live on when it is stopped, so each is to be stopped too"),
    ],
    answers: ["seen", "not_seen", "unknown"])

  /// Puts a secret into a store.
  public static let secretStore = ActionSignature(
    id: "secret.store", effect: .reversible,
    summary: "Makes a secret the current value of an entry in a store.",
    inputs: [
      Parameter("store", .store, "where to keep it"),
      Parameter("key", .string, "the entry's name"),
      Parameter("secret", .secret, "the value"),
      replaces,
    ],
    outputs: [
      Parameter("version", .string, "the version now current"),
      Parameter("previous", .string, "the version that was current before; null when there was none"),
      followed, stillOld,
    ])

  /// Moves a program to the current secret.
  public static let consumerRollOut = ActionSignature(
    id: "consumer.roll-out", effect: .reversible,
    summary: "Makes a program use the current secret (reload, restart, redeploy).",
    inputs: [
      Parameter("consumer", .consumer, "the program"),
      Parameter("ref", .string, required: false, "the public id of the credential that it should use"),
    ],
    outputs: [])

  /// Whether a program works.
  public static let consumerHealth = ActionSignature(
    id: "consumer.health", effect: .read,
    summary: "Asks whether a program works.",
    inputs: [
      Parameter("consumer", .consumer, "the program"),
      Parameter(
        "replaced", .list(.secret), required: false,
        "values that it must not use any more: while a part of it still holds one, it is `unhealthy`"),
    ],
    outputs: [
      Parameter("state", .string, "`healthy`, `unhealthy` or `unknown`"),
      Parameter("evidence", .string, "what was seen, without secrets"),
      Parameter("stale", .list(.string), "its parts that still hold a replaced value"),
      Parameter("unread", .list(.string), "what of it nobody could look into, and why"),
    ],
    answers: ["healthy", "unhealthy", "unknown"])
}
