import Foundation
public import JSON

/// What the receiver process knows: `receiver.json` beside the exchange file. `staunch serve` writes it from the `receiver:`
/// section of staunch.yaml, so the endpoint never sees the rest of it.
///
/// ```json
/// {"schema": 1, "listen": "127.0.0.1:8787",
///  "tls": {"certificate": "/etc/tls.pem", "key": "file:/etc/tls.key", "client_ca": "/etc/ca.pem"},
///  "proxies": ["127.0.0.1"], "operators": ["127.0.0.1", "::1"],
///  "routes": [{"path": "/hooks/github", "kind": "github", "keys": ["inherited:github-1"]}],
///  "limits": {"rate": 20}, "console": {…}}
/// ```
/// Unknown members are refused. Secrets are ``SecretReference``s.
public struct ReceiverSettings: Sendable, Hashable {
  /// Where TLS ends here.
  public struct TLS: Sendable, Hashable {
    /// PEM file of the certificate chain.
    public var certificate: String
    public var key: SecretReference
    /// PEM file of the authorities of client certificates; nil: clients show none.
    public var clientCA: String?
    public init(certificate: String, key: SecretReference, clientCA: String? = nil) {
      self.certificate = certificate
      self.key = key
      self.clientCA = clientCA
    }
  }

  public var host: String
  /// 0: any free one.
  public var port: Int
  public var tls: TLS?
  /// Addresses whose X-Forwarded-For is believed.
  public var proxies: Set<String>
  /// Addresses that may read /readyz and /metrics.
  public var operators: Set<String>
  public var routes: [RouteSettings]
  public var limits: ReceiverLimits
  /// For the console, as it is.
  public var console: JSONValue?

  public init(
    host: String = "127.0.0.1", port: Int = 8787, tls: TLS? = nil, proxies: Set<String> = [],
    operators: Set<String> = ["127.0.0.1", "::1"], routes: [RouteSettings] = [],
    limits: ReceiverLimits = ReceiverLimits(), console: JSONValue? = nil
  ) {
    self.host = host
    self.port = port
    self.tls = tls
    self.proxies = proxies
    self.operators = operators
    self.routes = routes
    self.limits = limits
    self.console = console
  }
}

extension ReceiverSettings {
  /// Reads the file's bytes.
  /// - Throws: ``SettingsError`` with the place.
  public init(parsing bytes: some Collection<UInt8>) throws(SettingsError) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue(parsing: bytes) } catch {
      throw SettingsError("receiver.json", because: "it is no JSON: \(error)")
    }
    try self.init(value)
  }

  init(_ value: JSONValue) throws(SettingsError) {
    let reader = try SettingsReader(
      value, at: "",
      members: ["schema", "listen", "tls", "proxies", "operators", "routes", "limits", "console"])
    guard reader.value["schema"]?.integer == 1 else {
      throw SettingsError("schema", because: "it is not 1", fix: "use the staunch that wrote the file")
    }
    self.init()
    if let listen = try reader.text("listen") {
      guard let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...]),
        (0...65535).contains(port)
      else { throw SettingsError("listen", because: "it is not ADDRESS:PORT", fix: "listen: 127.0.0.1:8787") }
      self.port = port
      host = String(listen[..<colon]).trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    }
    if let tls = value["tls"] {
      let part = try SettingsReader(tls, at: "tls", members: ["certificate", "key", "client_ca"])
      guard let certificate = try part.text("certificate"), let key = try part.reference("key") else {
        throw SettingsError("tls", because: "it needs certificate and key")
      }
      self.tls = TLS(certificate: certificate, key: key, clientCA: try part.text("client_ca"))
    }
    proxies = Set(try reader.texts("proxies"))
    if value["operators"] != nil { operators = Set(try reader.texts("operators")) }
    console = value["console"]
    for (index, route) in (value["routes"]?.array ?? []).enumerated() {
      routes.append(try RouteSettings(route, at: "routes[\(index)]"))
    }
    if let limits = value["limits"] {
      let known = ReceiverLimits.names.map(\.0)
      _ = try SettingsReader(limits, at: "limits", members: known)
      for (name, set) in ReceiverLimits.names {
        guard let given = limits[name] else { continue }
        let number: Double
        switch given {
        case .integer(let value): number = Double(value)
        case .number(let value): number = value
        default: throw SettingsError("limits.\(name)", because: "it is no number")
        }
        guard number > 0, number <= 1e12 else {
          throw SettingsError("limits.\(name)", because: "it is not above 0")
        }
        set(&self.limits, number)
      }
    }
    try check()
  }

  /// What makes no sense, or opens the endpoint to everybody.
  func check() throws(SettingsError) {
    let paths = routes.map(\.path)
    for (index, path) in paths.enumerated() where paths[..<index].contains(path) {
      throw SettingsError("routes[\(index)].path", because: "\(path) stands twice")
    }
    let isLoopback = ["127.0.0.1", "::1", "localhost"].contains(host)
    guard isLoopback || tls != nil || !proxies.isEmpty else {
      throw SettingsError(
        "listen", because: "\(host) is not loopback, and neither tls nor proxies are set",
        fix: "end TLS here (tls:), or name the proxy that ends it (proxies:)")
    }
  }
}

/// Reads members of an object by name, and refuses those that nobody reads.
struct SettingsReader {
  let value: JSONValue
  let place: String

  init(_ value: JSONValue, at place: String, members: [String]) throws(SettingsError) {
    self.value = value
    self.place = place
    guard let object = value.object else {
      throw SettingsError(place.isEmpty ? "receiver.json" : place, because: "it is no object")
    }
    for name in object.keys.sorted() where !members.contains(name) {
      throw SettingsError(
        at(name), because: "no such setting", fix: "one of: \(members.joined(separator: ", "))")
    }
  }

  func at(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

  func text(_ name: String) throws(SettingsError) -> String? {
    guard let member = value[name] else { return nil }
    guard let text = member.string, !text.isEmpty else {
      throw SettingsError(at(name), because: "it is no text, or empty")
    }
    return text
  }

  func texts(_ name: String) throws(SettingsError) -> [String] {
    guard let member = value[name] else { return [] }
    var texts: [String] = []
    for element in member.array ?? [member] {
      guard let text = element.string, !text.isEmpty else {
        throw SettingsError(at(name), because: "it is no list of texts")
      }
      texts.append(text)
    }
    return texts
  }

  func reference(_ name: String) throws(SettingsError) -> SecretReference? {
    try references(name).first
  }

  func references(_ name: String) throws(SettingsError) -> [SecretReference] {
    var references: [SecretReference] = []
    for text in try texts(name) {
      guard let reference = SecretReference(text) else {
        throw SettingsError(
          at(name), because: "it is no reference to a secret",
          fix: "env:NAME, file:/path, credential:NAME (systemd) or inherited:NAME; never the secret itself")
      }
      references.append(reference)
    }
    return references
  }
}
