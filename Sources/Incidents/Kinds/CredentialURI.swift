import Foundation

/// A URI that carries a password: `scheme://user:password@host:port/database`. Source: RFC 3986 §3.2.
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
    guard let scheme = text.range(of: "://") else { return nil }
    let authority = text[scheme.upperBound...].prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@") else { return nil }
    let credentials = authority[..<at]
    guard let colon = credentials.firstIndex(of: ":") else { return nil }
    let written = credentials[credentials.index(after: colon)...]
    guard !written.isEmpty else { return nil }
    password = CredentialURI.decoded(written)
    user = String(decoding: CredentialURI.decoded(credentials[..<colon]), as: UTF8.self)
    host = String(authority[authority.index(after: at)...])
    let path = text[authority.endIndex...]
    database = path.first == "/" ? String(path.dropFirst().prefix { !"/?#\"'".contains($0) }) : ""
  }

  /// `user@host/database`, what tells two databases apart without the password.
  var handle: String {
    let place = user.isEmpty ? host : "\(user)@\(host)"
    return database.isEmpty ? place : "\(place)/\(database)"
  }

  private static func decoded(_ text: some StringProtocol) -> [UInt8] {
    Array((text.removingPercentEncoding ?? String(text)).utf8)
  }
}
