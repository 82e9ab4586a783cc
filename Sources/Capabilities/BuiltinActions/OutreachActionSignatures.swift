// People and other systems: tickets, messages, documents, and the two generic verbs.
extension ActionSignature {
  private static let tracker = Parameter("tracker", .tracker, "the ticket system of staunch.yaml")
  private static let ticket = Parameter(
    "ticket", .string, required: false, "its id; without it, the one opened for this incident")

  /// Opens the incident's ticket.
  public static let ticketOpen = ActionSignature(
    id: "ticket.open", effect: .notify,
    summary: "Opens the incident's ticket.",
    inputs: [
      tracker,
      Parameter("title", .string, "one line; neutral where everyone can read it"),
      Parameter("body", .string, required: false, "Markdown; without it, the state of the run"),
    ],
    outputs: [
      Parameter("id", .string, "the system's id"),
      Parameter("url", .url, "where a person sees it; null where the system has none"),
    ])

  /// Says what changed.
  public static let ticketUpdate = ActionSignature(
    id: "ticket.update", effect: .notify,
    summary: "Adds the news to the incident's ticket.",
    inputs: [
      tracker, ticket,
      Parameter("event", .string, required: false, "`contained` or `updated` (when absent)"),
      Parameter("body", .string, required: false, "Markdown; without it, the state of the run"),
    ],
    outputs: [])

  /// Closes it.
  public static let ticketClose = ActionSignature(
    id: "ticket.close", effect: .notify,
    summary: "Closes the incident's ticket.",
    inputs: [
      tracker, ticket,
      Parameter("body", .string, required: false, "Markdown; without it, what was done and proven"),
    ],
    outputs: [])

  /// Tells people.
  public static let notifySend = ActionSignature(
    id: "notify.send", effect: .notify,
    summary: "Sends a message to people or a system.",
    inputs: [
      Parameter("to", .tracker, "the notifier of staunch.yaml"),
      Parameter("title", .string, "one line"),
      Parameter("body", .string, required: false, "Markdown"),
    ],
    outputs: [])

  /// Tells the platforms.
  public static let alertResolve = ActionSignature(
    id: "alert.resolve", effect: .notify,
    summary:
      "Marks the incident's alerts at the platforms of `sources:` resolved as revoked. Comes after the proof of death.",
    inputs: [Parameter("incident", .incident, "the incident")],
    outputs: [Parameter("resolved", .integer, "how many were still open")])

  /// Drafts the post-mortem.
  public static let postmortemDraft = ActionSignature(
    id: "postmortem.draft", effect: .notify,
    summary: "Drafts the blameless post-mortem from the journal.",
    inputs: [Parameter("incident", .incident, "the incident")],
    outputs: [Parameter("path", .string, "the file")])

  /// One HTTP call.
  public static let httpRequest = ActionSignature(
    id: "http.request", effect: .irreversible,
    summary:
      "Sends one HTTP request. The body is built from YAML; a secret travels only as the bearer token.",
    inputs: [
      Parameter("method", .string, "for example `POST`"),
      Parameter("url", .url, "https, without credentials in it"),
      Parameter("headers", .any, required: false, "a mapping of names to text"),
      Parameter("body", .any, required: false, "becomes JSON"),
      Parameter("bearer", .secret, required: false, "sent as `Authorization: Bearer`"),
      Parameter("statuses", .list(.integer), required: false, "what counts as success; any 2xx when absent"),
    ],
    outputs: [
      Parameter("status", .integer, "the status code"),
      Parameter("body", .any, "the reply, when it is JSON; null otherwise"),
    ])

  /// One program.
  public static let commandRun = ActionSignature(
    id: "command.run", effect: .irreversible,
    summary:
      "Starts one program by its argument vector; there is no shell. A secret travels only on standard input.",
    inputs: [
      Parameter("argv", .list(.string), "the program and its arguments"),
      Parameter("directory", .string, required: false, "where it runs"),
      Parameter(
        "environment", .any, required: false, "a mapping of names to text, besides PATH, HOME, LANG and TZ"),
      Parameter("stdin", .secret, required: false, "written to its standard input"),
    ],
    outputs: [
      Parameter("status", .integer, "its exit status; anything but 0 fails the step"),
      Parameter("output", .string, "its redacted output, at most 64 KiB"),
    ])
}
