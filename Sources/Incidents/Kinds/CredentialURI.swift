import Foundation

/// A URI that carries a password: `scheme://user:password@host:port/database`, or the password among its parameters.
/// Source: RFC 3986 §3.2, libpq §34.1.1.2, the manuals of pgjdbc and mssql-jdbc.
struct CredentialURI {
  /// Percent-decoded.
  let password: [UInt8]
  let user: String
  /// With the port where there is one.
  let host: String
  /// The first part of the path, for a database its name.
  let database: String

  init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let mark = text.range(of: "://") else { return nil }
    let scheme = text[..<mark.lowerBound].lowercased()
    let hasProperties = scheme.hasSuffix("jdbc:sqlserver")
    let ends = hasProperties ? "/?#;" : "/?#"
    let authority = text[mark.upperBound...].prefix { !ends.contains($0) }
    var place = authority
    var name = ""
    var written: [UInt8]?
    if let at = authority.lastIndex(of: "@") {
      let credentials = authority[..<at]
      let colon = credentials.firstIndex(of: ":") ?? credentials.endIndex
      name = String(decoding: CredentialURI.decoded(credentials[..<colon]), as: UTF8.self)
      written = colon == credentials.endIndex ? nil : CredentialURI.decoded(credentials[colon...].dropFirst())
      place = authority[authority.index(after: at)...]
    }
    let path = text[authority.endIndex...]
    var base = path.first == "/" ? String(path.dropFirst().prefix { !"/?#\"';".contains($0) }) : ""
    let isDatabase =
      scheme.hasPrefix("jdbc:") || scheme.hasSuffix("postgres") || scheme.hasSuffix("postgresql")
    var server = String(place)
    // A web address has parameters of its own; a database's driver takes the login from there, and the last word is theirs.
    if isDatabase {
      let found = hasProperties ? CredentialURI.properties(path) : CredentialURI.query(path)
      if let value = found["password"], !value.isEmpty { written = value }
      func said(_ key: String) -> String? { found[key].map { String(decoding: $0, as: UTF8.self) } }
      name = said("user") ?? name
      base = said("dbname") ?? said("databasename") ?? said("database") ?? base
      if server.isEmpty, let host = said("host") {
        server = said("port").map { "\(host):\($0)" } ?? host
      }
    }
    guard let secret = written, !secret.isEmpty else { return nil }
    password = secret
    user = name
    host = server
    database = base
  }

  /// `user@host/database`, what tells two databases apart without the password.
  var handle: String {
    let place = user.isEmpty ? host : "\(user)@\(host)"
    return database.isEmpty ? place : "\(place)/\(database)"
  }

  /// What follows the `?`, by names in lower case.
  private static func query(_ path: Substring) -> [String: [UInt8]] {
    guard let mark = path.firstIndex(of: "?") else { return [:] }
    let text = path[mark...].dropFirst().prefix { !"#\"'".contains($0) }
    return pairs(text.split(separator: "&"), value: decoded)
  }

  /// `;user=u;password={p}`, not percent-encoded.
  private static func properties(_ path: Substring) -> [String: [UInt8]] {
    pairs(path.split(separator: ";")) { value in
      value.hasPrefix("{") && value.hasSuffix("}") && value.count > 1
        ? Array(value.dropFirst().dropLast().utf8) : Array(value.utf8)
    }
  }

  private static func pairs(_ parts: [Substring], value: (Substring) -> [UInt8]) -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for part in parts {
      guard let equals = part.firstIndex(of: "=") else { continue }
      found[part[..<equals].lowercased()] = value(part[equals...].dropFirst())
    }
    return found
  }

  static func decoded(_ text: Substring) -> [UInt8] {
    Array((text.removingPercentEncoding ?? String(text)).utf8)
  }
}
