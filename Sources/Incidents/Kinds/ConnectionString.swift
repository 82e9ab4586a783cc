import Foundation

/// A connection string that is no URI: `host=… user=… password=…` (libpq), `Server=…;User Id=…;Password=…` (ADO.NET),
/// `host:6380,password=…,ssl=True` (StackExchange.Redis).
struct ConnectionString {
  let password: [UInt8]
  /// `user@host:port/database`.
  let handle: String?
  /// What its way of writing tells; nil: several kinds of database are written so.
  let kind: CredentialKind?

  /// - Parameter isKnown: the rule says that the text is one, so that `password=…` alone will do.
  init?(_ bytes: [UInt8], isKnown: Bool) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard !text.contains("://") else { return nil }
    let readings: [(pairs: [String: String]?, kind: CredentialKind?)] = [
      (Self.fields(text, separator: ";"), nil), (Self.endpoint(text), "redis_uri"),
      (Self.words(text), "postgres_uri"),
    ]
    for reading in readings {
      guard let pairs = reading.pairs else { continue }
      func said(_ names: String...) -> String? { names.lazy.compactMap { pairs[$0] }.first { !$0.isEmpty } }
      let user = said("user", "userid", "uid", "username")
      let host = said("host", "hostaddr", "server", "datasource", "address", "addr", "networkaddress")
      let database = said("database", "dbname", "initialcatalog")
      guard let secret = said("password", "pwd"), isKnown || user != nil || host != nil || database != nil
      else { continue }
      var place = host ?? ""
      if place.lowercased().hasPrefix("tcp:") { place = String(place.dropFirst(4)) }
      place = place.replacing(",", with: ":")
      if let port = said("port"), !place.isEmpty { place += ":\(port)" }
      if let user { place = "\(user)@\(place)" }
      if let database { place += "/\(database)" }
      password = Array(secret.utf8)
      handle = host == nil || place.isEmpty ? nil : place
      kind = reading.kind
      return
    }
    return nil
  }

  private static func name(_ text: some StringProtocol) -> String {
    text.lowercased().filter { !$0.isWhitespace && $0 != "_" }
  }

  /// `Name=value` between separators; a value in quotes may hold one, and its quote twice.
  private static func fields(_ text: String, separator: Character) -> [String: String]? {
    guard text.contains(separator) else { return nil }
    var found: [String: String] = [:]
    var rest = Substring(text)
    while let equals = rest.firstIndex(of: "=") {
      let key = rest[..<equals]
      guard !key.contains(separator) else {
        rest = rest.drop { $0 != separator }.dropFirst()
        continue
      }
      rest = rest[equals...].dropFirst().drop { $0 == " " }
      var value = ""
      if let quote = rest.first, quote == "\"" || quote == "'" {
        rest = rest.dropFirst()
        while let next = rest.first {
          rest = rest.dropFirst()
          if next == quote {
            guard rest.first == quote else { break }
            rest = rest.dropFirst()
          }
          value.append(next)
        }
        rest = rest.drop { $0 != separator }
      } else {
        let plain = rest.prefix { $0 != separator }
        value = plain.trimmingCharacters(in: .whitespaces)
        rest = rest[plain.endIndex...]
      }
      found[name(key)] = value
      rest = rest.dropFirst()
    }
    return found
  }

  /// The endpoint stands first, without a name.
  private static func endpoint(_ text: String) -> [String: String]? {
    let parts = text.split(separator: ",")
    guard let first = parts.first, parts.count > 1, !first.contains("="), !first.contains(" ") else {
      return nil
    }
    var found = ["host": String(first)]
    for part in parts.dropFirst() {
      guard let equals = part.firstIndex(of: "=") else { continue }
      found[name(part[..<equals])] = String(part[equals...].dropFirst())
    }
    return found
  }

  /// libpq §34.1.1.1: spaces between, single quotes around, a backslash before a quote or a backslash.
  private static func words(_ text: String) -> [String: String]? {
    var found: [String: String] = [:]
    var rest = text.drop { $0.isWhitespace }
    while !rest.isEmpty {
      guard let equals = rest.firstIndex(of: "=") else { return nil }
      let key = rest[..<equals].trimmingCharacters(in: .whitespaces)
      guard !key.isEmpty, key.allSatisfy({ $0.isLetter || $0 == "_" }) else { return nil }
      rest = rest[equals...].dropFirst().drop { $0.isWhitespace }
      let isQuoted = rest.first == "'"
      if isQuoted { rest = rest.dropFirst() }
      var value = ""
      while let next = rest.first {
        if isQuoted ? next == "'" : next.isWhitespace { break }
        rest = rest.dropFirst()
        if next == "\\", let escaped = rest.first {
          value.append(escaped)
          rest = rest.dropFirst()
        } else {
          value.append(next)
        }
      }
      if isQuoted { rest = rest.dropFirst() }
      found[name(key)] = value
      rest = rest.drop { $0.isWhitespace }
    }
    return found
  }
}

/// What stands in a password's place without being one.
enum Placeholder {
  /// True for masks (`****`, `Mint-*****`) and for what a program fills in (`${DB_PASSWORD}`, `<password>`, `{{ pw }}`).
  static func isOne(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    if text.contains("***") || text.contains("•••") || text.contains("REDACTED") { return true }
    if text.allSatisfy({ "*•".contains($0) }) { return true }
    if text.count > 3, text.allSatisfy({ ".xX".contains($0) }) { return true }
    let brackets = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("#{", "}"), ("<%", "%>"), ("%(", ")s")]
    if brackets.contains(where: { text.contains($0.0) && text.hasSuffix($0.1) }) { return true }
    let around = [("<", ">"), ("{", "}"), ("[", "]"), ("%", "%"), ("__", "__")]
    if around.contains(where: { text.count > $0.0.count * 2 && text.hasPrefix($0.0) && text.hasSuffix($0.1) })
    {
      return true
    }
    let variable = text.dropFirst()
    return text.first == "$" && variable.first?.isNumber == false
      && variable.allSatisfy { $0 == "_" || $0.isUppercase || $0.isNumber }
  }
}
