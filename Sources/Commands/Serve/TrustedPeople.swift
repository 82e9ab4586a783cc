import Capabilities
import Foundation
import Incidents
import JSON

/// `people.trust.json`: whose signed word counts when it comes from the console. The endpoint cannot write it.
enum TrustedPeople {
  /// `{"schema":1,"people":[{"name","key":base64,"roles":[…]}]}`; nobody when there is no file.
  ///
  /// - Throws: exit 78 when the file is there and cannot be read: a damaged trust is not an empty one.
  static func read(_ path: String) throws -> [ApproverIdentity] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    do {
      let document = try JSONValue(parsing: Data(contentsOf: URL(filePath: path)))
      guard document["schema"]?.integer == 1, let people = document["people"]?.array else {
        throw Malformed()
      }
      return try people.map { person in
        guard let key = person["key"]?.string.flatMap({ Data(base64Encoded: $0) }),
          let roles = person["roles"]?.array?.compactMap(\.string), let name = person["name"]?.string
        else { throw Malformed() }
        return try ApproverIdentity(rawKey: key, roles: Set(roles.map { RoleName($0) }), person: name)
      }
    } catch {
      throw CommandFailure(
        .configuration, "cannot read \(path)", because: "it does not hold people with their keys and roles",
        fix: "restore it, or add the people again: staunch people add NAME")
    }
  }

  private struct Malformed: Error {}
}
