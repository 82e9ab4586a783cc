import Capabilities
import Foundation

/// A request's URL, checked before anything is sent.
struct RequestAddress {
  let url: String
  let host: String
  /// Method, scheme, host and path: what errors may show. A query could name a person or a filter.
  let operation: String

  /// - Throws: `.configuration` for anything but `https:`, or `http:` to loopback and to hosts named in staunch.yaml.
  init(_ request: HTTPRequest, plainHosts: Set<String>) throws(CapabilityError) {
    let method = request.method.rawValue
    guard let parts = URLComponents(string: request.url), let scheme = parts.scheme?.lowercased(),
      let found = parts.host?.lowercased(), !found.isEmpty
    else {
      throw CapabilityError(
        .configuration, method, because: "the URL is not an absolute http or https URL",
        fix: "correct the URL in staunch.yaml, then: staunch doctor")
    }
    let bare = found.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    let port = parts.port.map { ":\($0)" } ?? ""
    let shown = "\(method) \(scheme)://\(found)\(port)\(parts.percentEncodedPath)"
    // A password in a URL would show in logs and proxies.
    guard parts.user == nil, parts.password == nil else {
      throw CapabilityError(
        .configuration, shown, because: "the URL holds a user name or password",
        fix: "remove it from the URL; give the credential as a reference such as env:NAME")
    }
    switch scheme {
    case "https": break
    case "http" where RequestAddress.isLoopback(bare) || plainHosts.contains(bare): break
    case "http":
      throw CapabilityError(
        .configuration, shown, because: "plain http would show the credential to the network",
        fix: "write https:// in staunch.yaml; http:// is for this machine alone")
    default:
      throw CapabilityError(
        .configuration, shown, because: "the scheme \(scheme) is not http or https", fix: "correct the URL")
    }
    url = request.url
    host = bare
    operation = shown
  }

  /// True for addresses that never leave this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
