/// What a remote's address tells.
enum RemoteAddress {
  /// `host:path` or `user@host:path`, without a slash before the colon (git-clone(1), GIT URLS).
  static func isSecureShell(_ address: String) -> Bool {
    guard let colon = address.firstIndex(of: ":") else { return false }
    return !address[..<colon].contains("/")
  }

  /// Without `user:password@`: an address may hold a credential.
  static func withoutUser(_ address: String) -> String {
    let afterScheme = address.firstRange(of: "://")?.upperBound ?? address.startIndex
    let authority = address[afterScheme...].prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return address }
    return String(address[..<afterScheme] + address[address.index(after: at)...])
  }

  /// `owner/name` of a forge's address; the last part of another one.
  static func name(_ address: String) -> String {
    let parts = withoutUser(address).split(whereSeparator: { $0 == "/" || $0 == ":" }).suffix(2)
    let name = parts.joined(separator: "/")
    return name.hasSuffix(".git") ? String(name.dropLast(4)) : name
  }
}
