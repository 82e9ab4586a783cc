import Capabilities
import Foundation

/// An account on a host whose authorized_keys is looked at: `app@db1.example:22`.
struct SSHPlace: Hashable, Sendable {
  let account: String
  let host: String
  let port: Int

  /// As staunch.yaml and people write it; 22 is left out.
  var name: String {
    let host = host.contains(":") ? "[\(host)]" : host
    return "\(account)@\(host)" + (port == 22 ? "" : ":\(port)")
  }

  /// One key at this place.
  func ref(_ fingerprint: String) -> CredentialRef { CredentialRef("\(name)#\(fingerprint)") }

  /// - Throws: `.configuration` for what is none: it also keeps `-oProxyCommand=…` from being read as an option.
  static func list(_ texts: [String], of target: TargetConfiguration) throws(CapabilityError) -> [SSHPlace] {
    var places: [SSHPlace] = []
    for text in texts {
      guard let place = SSHPlace(text), !places.contains(place) else {
        throw CapabilityError(
          .configuration, "\(target.position): \(target.name)",
          because: "\"\(text)\" is no account on a host, or stands there twice",
          fix: "write for example hosts: [app@db1.example, app@db2.example:2222]")
      }
      places.append(place)
    }
    return places
  }

  private init?(_ text: String) {
    guard let at = text.firstIndex(of: "@") else { return nil }
    let account = String(text[..<at])
    var rest = text[text.index(after: at)...]
    var port = 22
    let colon =
      rest.hasPrefix("[")
      ? rest.range(of: "]:")?.upperBound
      : rest.firstIndex(of: ":").map {
        rest.index(after: $0)
      }
    if let colon {
      guard let number = Int(rest[colon...]), (1...65535).contains(number) else { return nil }
      port = number
      rest = rest[..<rest.index(before: colon)]
    }
    let host = rest.filter { $0 != "[" && $0 != "]" }
    guard Self.isAccount(account), !host.isEmpty, !host.hasPrefix("-"),
      host.utf8.allSatisfy({ Self.isWord($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "%") })
    else { return nil }
    self.account = account
    self.host = String(host)
    self.port = port
  }

  static func isAccount(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix("-") && text.utf8.count <= 64 && text.utf8.allSatisfy(isWord)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || [0x2D, 0x2E, 0x5F].contains(byte)
  }
}
