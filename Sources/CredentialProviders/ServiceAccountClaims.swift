import Foundation
import JSON
import Secrets

/// What a service account's token says of itself. Its signature is not checked here: the cluster does that (TokenReview), and
/// only then the claims are believed.
///
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-structure
struct ServiceAccountClaims: Sendable {
  enum Binding: Sendable, Hashable {
    /// A Secret of type `kubernetes.io/service-account-token`, or one that a TokenRequest named. Older tokens tell no `uid`.
    case secret(String, uid: String?)
    case pod(String, uid: String)
    case node(String)
    /// To the account alone.
    case nothing
  }

  let namespace: String
  let account: String
  let binding: Binding
  /// Whom it was made for; empty: an old one, for the API server.
  let audiences: [String]
  let expiry: Date?

  /// Nil: it is no token of a service account.
  init?(_ secret: Secret) {
    let parts = secret.exposeAsBytes().split(separator: 0x2E, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    var text = parts[1].map { $0 == 0x2D ? UInt8(0x2B) : $0 == 0x5F ? 0x2F : $0 }
    while !text.count.isMultiple(of: 4) { text.append(0x3D) }
    guard let data = Data(base64Encoded: Data(text)) else { return nil }
    let claims: JSONValue
    do throws(JSONError) { claims = try JSONValue(parsing: Array(data)) } catch { return nil }
    guard let subject = claims["sub"]?.string else { return nil }
    let words = subject.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 4, words[0] == "system", words[1] == "serviceaccount" else { return nil }
    (namespace, account) = (words[2], words[3])
    audiences = claims["aud"]?.string.map { [$0] } ?? (claims["aud"]?.array ?? []).compactMap(\.string)
    expiry = claims["exp"]?.integer.map { Date(timeIntervalSince1970: Double($0)) }
    let bound = claims["kubernetes.io"]
    if let name = bound?["pod"]?["name"]?.string, let uid = bound?["pod"]?["uid"]?.string {
      binding = .pod(name, uid: uid)
    } else if let name = bound?["secret"]?["name"]?.string {
      binding = .secret(name, uid: bound?["secret"]?["uid"]?.string)
    } else if let name = claims["kubernetes.io/serviceaccount/secret.name"]?.string {
      binding = .secret(name, uid: nil)
    } else if let name = bound?["node"]?["name"]?.string {
      binding = .node(name)
    } else {
      binding = .nothing
    }
  }
}
