package import Capabilities
package import Foundation
import Incidents
import JSON

/// Somebody whose signature counts, by `people.trust.json` of the state directory: the only place that says so.
package struct TrustedPerson: Sendable, Hashable {
  package let name: String
  /// Ed25519, 32 bytes.
  package let key: Data
  package let roles: [String]

  /// `{"schema":1,"people":[…]}`; nobody when there is no file.
  ///
  /// - Throws: exit 78 when the file is there and cannot be read: a damaged trust is not an empty one.
  package static func read(_ path: String) throws -> [TrustedPerson] {
    var status = stat()
    if stat(path, &status) != 0, errno == ENOENT { return [] }
    DebugLog.note(.info, "file", "reads \(path)")
    do {
      let document = try JSONValue(parsing: Data(contentsOf: URL(filePath: path)))
      guard document["schema"]?.integer == 1, let people = document["people"]?.array else {
        throw Malformed()
      }
      return try people.map { person in
        guard let name = person["name"]?.string,
          let key = person["key"]?.string.flatMap({ Data(base64Encoded: $0) }),
          let roles = person["roles"]?.array?.compactMap(\.string)
        else { throw Malformed() }
        return TrustedPerson(name: name, key: key, roles: roles)
      }
    } catch {
      throw Refusal(
        .configuration, "cannot read \(path)", because: "it does not hold people with their keys and roles",
        fix: "restore it, or move it away and add the people again with staunch people add")
    }
  }

  /// Everybody of the file, as approvers.
  package static func identities(_ path: String) throws -> [ApproverIdentity] {
    try read(path).map { person in
      do {
        return try ApproverIdentity(
          rawKey: person.key, roles: Set(person.roles.map { RoleName($0) }), person: person.name)
      } catch {
        throw Refusal(
          .configuration, "cannot read \(path)",
          because: "the key of \(harmless(person.name)) is no Ed25519 key",
          fix: "staunch people remove \(harmless(person.name)), then trust the right key")
      }
    }
  }

  private struct Malformed: Error {}
}
