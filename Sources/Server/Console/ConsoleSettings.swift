import JSON

/// Member `console` of receiver.json: `{"header": {"name": "X-Forwarded-User", "proxies": ["127.0.0.1"], "may_approve": false}}`.
struct ConsoleSettings: Sendable, Hashable {
  /// A proxy that signs people in (OIDC) and names them in a header.
  struct Header: Sendable, Hashable {
    var name: String
    /// Only these peers are believed.
    var proxies: Set<String>
    /// False: whoever comes by the header may look and note. True: also approve, with their own password.
    var mayApprove: Bool
  }
  var header: Header?
  /// A session without a request for so long is over.
  var idleSeconds = 30.0 * 60
  /// A session is over after this, whatever happens.
  var sessionSeconds = 12.0 * 3600
  /// Streams of live updates, all together and of one person.
  var streams = 64
  var streamsPerPerson = 8
  /// How often the board is looked at for a stream, and how often a stream says that it lives.
  var watchSeconds = 0.5
  var heartbeatSeconds = 15.0

  init() {}

  init(_ value: JSONValue?) throws(SettingsError) {
    guard let value, value != .null else { return }
    let reader = try SettingsReader(value, at: "console", members: ["header"])
    guard let header = reader.value["header"], header != .null else { return }
    let part = try SettingsReader(header, at: "console.header", members: ["name", "proxies", "may_approve"])
    guard let name = try part.text("name") else {
      throw SettingsError(
        "console.header.name", because: "the header has no name", fix: "name: X-Forwarded-User")
    }
    let proxies = try part.texts("proxies")
    guard !proxies.isEmpty else {
      throw SettingsError(
        "console.header.proxies", because: "without a list of proxies anybody could write the header",
        fix: "proxies: [127.0.0.1]")
    }
    self.header = Header(
      name: name, proxies: Set(proxies), mayApprove: header["may_approve"]?.boolean ?? false)
  }
}
