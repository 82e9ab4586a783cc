import Capabilities
package import StaunchConfiguration
import Foundation
package import Incidents
import JSON

/// Whether a credential of staunch.yaml can be the one that leaked, by what the leak says of itself: user, host and database
/// of a connection string, or the public id of a key.
///
/// Kind and repository alone choose the wrong one among several: the run would then change an account that did not leak, and
/// the leaked password, tried there, would be refused for ever, which looks like death.
package struct LeakFit {
  /// How a credential differs from what the leak says.
  package struct Contradiction: Equatable {
    /// "the leak is of svc@db1/app; pg is trainer@127.0.0.1:5432/training".
    package let because: String
    /// It is another account: no word of a person makes the value this account's. Otherwise the place differs, which may be
    /// another name of the same one.
    package let isOfAnotherAccount: Bool
  }

  package let configuration: Configuration

  package init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// Nil when nothing contradicts; also when the leak or the entry says nothing of itself.
  package func contradiction(kind: CredentialKind, handle: String?, _ name: CredentialName) -> Contradiction?
  {
    guard let handle, let credential = configuration.credentials[name] else { return nil }
    let target = credential.target
    let aliases = credential.aliases
    if aliases.contains(where: { $0.lowercased() == handle.lowercased() }) { return nil }
    let entry = Self.description(of: target)
    let because = "the leak is of \(handle), and \(name) is \(entry)"
    guard CredentialReading.uriKinds.contains(kind) else {
      let ids = ["key_id", "id"].compactMap { target.settings[$0]?.string }
      guard !ids.isEmpty, !ids.contains(handle) else { return nil }
      return Contradiction(because: because, isOfAnotherAccount: true)
    }
    let leak = Place(handle)
    if let user = leak.user, let own = Self.user(of: target), own != user {
      return Contradiction(because: because, isOfAnotherAccount: true)
    }
    guard Self.isSamePlace(leak, target, aliases) else {
      return Contradiction(because: because, isOfAnotherAccount: false)
    }
    if let database = leak.database, let own = target.settings["database"]?.string, own != database {
      return Contradiction(because: because, isOfAnotherAccount: false)
    }
    return nil
  }

  /// `user@host:port/database`, each part where it is written.
  private struct Place {
    var user: String?
    var host: String
    var port: Int?
    var database: String?

    init(_ text: String) {
      var rest = Substring(text)
      if let at = rest.lastIndex(of: "@") {
        user = at == rest.startIndex ? nil : String(rest[..<at])
        rest = rest[rest.index(after: at)...]
      }
      if let slash = rest.firstIndex(of: "/") {
        let name = rest[rest.index(after: slash)...]
        database = name.isEmpty ? nil : String(name)
        rest = rest[..<slash]
      }
      // An IPv6 address stands in brackets before its port.
      if let colon = rest.lastIndex(of: ":"), let number = Int(rest[rest.index(after: colon)...]),
        rest.first == "[" || rest.firstIndex(of: ":") == colon
      {
        port = number
        rest = rest[..<colon]
      }
      host = Place.canonical(String(rest))
    }

    /// Lower-case, without brackets and final dot; every name of this machine is one.
    static func canonical(_ host: String) -> String {
      let text = host.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]."))
      let isHere =
        text.isEmpty || text == "localhost" || text == "::1" || text.hasPrefix("127.") || host.hasPrefix("/")
      return isHere ? "localhost" : text
    }
  }

  private static func isSamePlace(_ leak: Place, _ target: TargetConfiguration, _ aliases: [String]) -> Bool {
    for alias in aliases.map({ Place($0) }) where alias.host == leak.host {
      if alias.port == nil || alias.port == leak.port { return true }
    }
    let hosts =
      (["host", "socket"].compactMap { target.settings[$0]?.string } + texts(target.settings["addresses"]))
      .map { Place($0) }
    // An entry without a host says nothing of its place.
    guard !hosts.isEmpty else { return true }
    let port = integer(target.settings["port"])
    return hosts.contains { own in
      guard own.host == leak.host else { return false }
      // A leak that names no port means its kind's own, or leaves it to the environment: no contradiction.
      guard let said = leak.port, let configured = own.port ?? port ?? defaultPort[target.kind] else {
        return true
      }
      return said == configured
    }
  }

  private static let defaultPort = ["mariadb": 3306, "postgres": 5432, "redis": 6379]

  private static func user(of target: TargetConfiguration) -> String? {
    (target.settings["role"] ?? target.settings["user"])?.string
  }

  private static func integer(_ value: JSONValue?) -> Int? {
    value?.integer ?? value?.string.flatMap { Int($0) }
  }

  private static func texts(_ value: JSONValue?) -> [String] {
    value?.array?.compactMap(\.string) ?? value?.string.map { [$0] } ?? []
  }

  /// `trainer@127.0.0.1:5432/training`; the kind where the entry says no more.
  private static func description(of target: TargetConfiguration) -> String {
    var text = user(of: target).map { "\($0)@" } ?? ""
    if let host = target.settings["host"]?.string ?? target.settings["socket"]?.string { text += host }
    if let port = integer(target.settings["port"]) ?? defaultPort[target.kind] { text += ":\(port)" }
    if let database = target.settings["database"]?.string { text += "/\(database)" }
    if let id = (target.settings["key_id"] ?? target.settings["id"])?.string { text = id }
    return text.isEmpty ? "of kind \(target.kind)" : text
  }
}
