import Foundation
import JSON

/// The readable claims of a token (RFC 7519); its signature is not checked, it only names things.
struct JSONWebToken {
  let subject: String?
  let isKubernetesServiceAccount: Bool

  init?(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    var text = parts[1].map { $0 == 0x2D ? 0x2B : $0 == 0x5F ? 0x2F : $0 }
    while !text.count.isMultiple(of: 4) { text.append(0x3D) }
    guard let data = Data(base64Encoded: Data(text)) else { return nil }
    do {
      let claims = try JSONValue(parsing: Array(data))
      subject = claims["sub"]?.string
      isKubernetesServiceAccount =
        claims["iss"]?.string == "kubernetes/serviceaccount"
        || (subject?.hasPrefix("system:serviceaccount:") ?? false)
    } catch {
      return nil  // not a token after all: other rules look at the value
    }
  }
}
