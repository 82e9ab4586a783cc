// The keys of a provider file and of its recorded exchanges: for the decoder, and for the JSON Schema of editors.
extension Grammar {
  /// Every grammar of a provider file, the file first.
  package static let providerFile: [Grammar] = [
    provider, providerSetting, providerLogin, providerRunner, providerToken, providerVerify, providerIdentify,
    providerList, providerInspect, providerRight, providerIssue, providerChange, providerSessions,
    providerReach,
  ]

  static let provider = Grammar(
    name: "provider",
    keys: [
      Key("provider", .constant(1), required: true, "The version of the format: 1."),
      Key("kind", .identifier, required: true, "The word after kind: in staunch.yaml; the file's own name."),
      Key("summary", .text, required: true, "One sentence for the list of kinds."),
      Key("documentation", .list(.text), "Addresses of the pages of its API that the file was written from."),
      Key(
        "seen", .word(ProviderSource.allCases.map(\.rawValue)),
        "What the calls were compared with; none when absent."),
      Key("unseen", .text, "What no page told, for example how a refusal looks."),
      Key(
        "privilege", .text, "The least that the runner's own credential must be allowed, in the API's words."),
      Key("survives", .text, "What lives on when the credential is stopped: sessions, tokens, webhooks."),
      Key("console", .text, "Where a person makes and revokes one."),
      Key("base_url", .text, "Where the API is; without it every entry of staunch.yaml names its own."),
      Key("settings", .map(.object("provider_setting")), "What an entry of staunch.yaml says, by name."),
      Key(
        "login", .object("provider_login"), "How the leaked credential is shown; a bearer token when absent."),
      Key("runner", .list(.object("provider_runner")), "How the runner's own credential is shown."),
      Key("headers", .map(.template), "What the API wants in every request."),
      Key("propagation", .duration, "How long a change may take to hold everywhere; 60s when absent."),
      Key("overlap", .word(["none", "several"]), "Whether an old and a new one live side by side."),
      Key("verify", .object("provider_verify"), required: true, "The question whether a credential lives."),
      Key("identify", .object("provider_identify"), "How its public id is found."),
      Key("list", .object("provider_list"), "Every credential that the runner sees."),
      Key("inspect", .object("provider_inspect"), "Facts about one: evidence that is gone after the kill."),
      Key("rights", .list(.object("provider_right")), "What doctor asks: each right that a run needs."),
      Key("issue", .object("provider_issue"), "The call that makes a new one; a person does when absent."),
      Key("disable", .object("provider_change"), "The call that makes the leaked one useless."),
      Key("delete", .object("provider_change"), "The call that removes one for good."),
      Key("sessions", .object("provider_sessions"), "How its sessions are counted and ended."),
      Key("successors", .object("provider_list"), "What its holder may have made with it."),
      Key("reach", .object("provider_reach"), "What it can read and change."),
    ])

  static let providerSetting = Grammar(
    name: "provider_setting",
    keys: [
      Key("summary", .text, required: true, "One sentence for docs/CONFIGURATION.md."),
      Key("required", .boolean, "Whether an entry must have it."),
      Key("reference", .boolean, "It takes a reference such as env:NAME, never the value itself."),
    ])

  static let providerLogin = Grammar(
    name: "provider_login",
    keys: [
      Key("header", .text, "The header; Authorization when absent."),
      Key("prefix", .text, "What stands before the credential; \"Bearer \" when absent."),
      Key("basic", .template, "HTTP basic: the user's name; the credential is the password."),
      Key("user", .boolean, "HTTP basic: the credential is the user's name, and there is no password."),
      Key("none", .boolean, "It stands in the body alone: ${{ secret }}."),
    ])

  static let providerRunner = Grammar(
    name: "provider_runner",
    keys: [
      Key("with", .identifier, required: true, "The setting that refers to it.")
    ] + providerLogin.keys.filter { $0.name != "user" && $0.name != "none" } + [
      Key("token", .object("provider_token"), "It is first exchanged for a token of short life.")
    ])

  static let providerToken = Grammar(
    name: "provider_token",
    keys: [
      Key("post", .template, required: true, "The path that gives one."),
      Key("body", .data, required: true, "Its JSON; ${{ secret }} is the runner's credential."),
      Key("take", .condition, required: true, "Where the token stands: answer.body.access_token."),
    ])

  /// One HTTP request, below the base address.
  private static let call: [Key] =
    ["get", "post", "put", "patch", "delete"].map {
      Key($0, .template, "The path, from its slash on; what stands in ${{ }} is one part of it.")
    } + [
      Key("at", .text, "Another address than base_url; an entry's own base_url stands for it, too."),
      Key("as", .word(["leaked", "runner", "nobody"]), "Whose credential it shows."),
      Key("headers", .map(.template), "Beside those of every request."),
      Key("body", .data, "JSON; ${{ secret }} is the credential, ${{ fresh }} a new random value."),
      Key("form", .map(.data), "The same as application/x-www-form-urlencoded."),
    ]

  /// Where the API's own way of changing one thing is to replace the whole.
  private static let keeps = Key(
    "keeps", .list(.text),
    "PUT replaces the whole: members that stay as a GET of the same path gives them; \"*\" all of them.")

  static let providerVerify = Grammar(
    name: "provider_verify",
    keys: call + [
      Key("alive", .condition, required: true, "It works, with however few rights."),
      Key("dead", .condition, "The provider's own word that this credential has ended."),
      Key("refused", .condition, "A refusal that is a death only while another one is accepted."),
      Key("code", .template, "The provider's word, shown where the file itself spells it."),
      Key("control", .word(["runner"]), "The runner's own credential is asked between refusals."),
      Key(
        "control_user", .template, "HTTP basic: whose the entry's control is, where it is another account's."),
    ])

  static let providerIdentify = Grammar(
    name: "provider_identify",
    keys: call + [
      Key("id", .template, "Of the answer to this call, or to verify's."),
      Key("setting", .identifier, "The entry of staunch.yaml names it."),
      Key("part", .integer(atLeast: 1), "A part of the credential itself, from 1."),
      Key("between", .text, "What separates its parts."),
      Key("hint", .boolean, "The one of the list whose visible head and tail fit."),
    ])

  static let providerList = Grammar(
    name: "provider_list",
    keys: call + [
      Key("items", .condition, required: true, "The list: answer.body.data."),
      Key("id", .template, required: true, "Of an element: ${{ item.id }}."),
      Key("hint", .template, "Its visible head and tail: ${{ item.token }}."),
      Key("name", .template, "The name that it was made under."),
      Key("created", .template, "When it was made: a time."),
      Key("where", .condition, "Elements that count; all when absent."),
      Key("what", .template, "What it is, for people; fixed words, never a text of its holder's."),
      Key("first", .integer(atLeast: 0), "The first page's number; 1 when absent."),
      Key("page", .text, "The part of the query that takes the next page's number or cursor."),
      Key(
        "cursor", .condition, "The next page's cursor; the last page has none. Without it pages are numbered."
      ),
      Key("more", .condition, "Whether another page follows; until one has nothing new when absent."),
    ])

  static let providerInspect = Grammar(
    name: "provider_inspect",
    keys: call + [Key("facts", .map(.template), required: true, "owner, scopes, created, last_used …")])

  static let providerRight = Grammar(
    name: "provider_right",
    keys: call + [
      Key("what", .text, required: true, "The right, in the API's word."),
      Key("ready", .condition, "When the answer says yes; any 2xx when absent."),
    ])

  static let providerIssue = Grammar(
    name: "provider_issue",
    keys: call + [
      Key(
        "by", .word(["named", "unnamed", "rotated", "generated"]), required: true,
        "How a lost reply is settled (docs/CONTRACT.md)."),
      Key("id", .template, "Of the answer."),
      Key("take", .condition, "Where the new value stands: answer.body.key."),
      Key("length", .integer(atLeast: 16), "Characters of a generated value; 32 when absent."),
      keeps,
    ])

  static let providerChange = Grammar(
    name: "provider_change",
    keys: call + [
      Key("done", .condition, "When the answer says so; any 2xx when absent."),
      Key("gone", .condition, "When it says that there is no such thing any more; 404 when absent."),
      Key("reversible", .boolean, "Whether it can be taken back."),
      keeps,
    ])

  static let providerSessions = Grammar(
    name: "provider_sessions",
    keys: [
      Key("count", .object("provider_list"), required: true, "The sessions that there are."),
      Key("end", .object("provider_change"), required: true, "The call that ends them."),
    ])

  static let providerReach = Grammar(
    name: "provider_reach",
    keys: call + [
      Key("read", .condition, "A list of resources that it can read."),
      Key("change", .condition, "A list of resources that it can change."),
      Key("complete", .boolean, "Whether the answer leaves nothing out."),
    ])
}

extension Grammar {
  /// Every grammar of a file of recorded exchanges, the file first.
  package static let exchangeFile: [Grammar] = [exchange, exchangeCase, exchangeAnswer]

  static let exchange = Grammar(
    name: "exchange",
    keys: [
      Key("exchange", .constant(1), required: true, "The version of the format: 1."),
      Key("provider", .identifier, required: true, "The kind that it is of."),
      Key("source", .text, required: true, "The page that it was written from, or how it was recorded."),
      Key("settings", .map(.text), "What an entry of staunch.yaml says."),
      Key("secret", .text, "The shape of a leaked value, made up."),
      Key("cases", .list(.object("exchange_case")), required: true, "One for each way that it may end."),
    ])

  static let exchangeCase = Grammar(
    name: "exchange_case",
    keys: [
      Key(
        "verb", .word(ProviderExchange.Verb.allCases.map(\.rawValue)),
        "What is asked for; verify when absent."),
      Key("verdict", .word(["alive", "dead", "refused", "unknown"]), "What verify reads in the answer."),
      Key("asks", .text, required: true, "Method and path as they are sent: GET /v1/me."),
      Key("answer", .object("exchange_answer"), required: true, "What comes back."),
      Key("id", .text, "The public id that it gives."),
    ])

  static let exchangeAnswer = Grammar(
    name: "exchange_answer",
    keys: [
      Key("status", .integer(atLeast: 100), required: true, "The status."),
      Key("headers", .map(.text), "Names in lower case."),
      Key("body", .data, "JSON."),
    ])
}
