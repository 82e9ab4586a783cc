import Foundation
import Incidents
import JSON
import Secrets

/// What TruffleHog's `Raw`, `RawV2` and `SecretParts` say of a credential.
///
/// `Raw` is one half of a two-part credential, for AWS its id; `RawV2` holds both, joined in each detector's own way: with `:`,
/// with nothing between, as JSON, with a host or a user's name in front. Newer versions name the parts. What is searched for and
/// revoked is the secret half. Source: trufflehog pkg/detectors, pkg/output/json.go.
struct TruffleHogParts {
  /// What tells the kind: the whole credential where it is one text, else its first half.
  let value: String?
  /// The secret half, when `value` is not it.
  let secret: String?

  init(_ fields: RecordFields, table: KindTable) throws(RecordProblem) {
    let raw = try fields.text("Raw").flatMap { Redaction.isRedacted($0) ? nil : Self.decoded($0, table) }
    let both = try fields.text("RawV2").flatMap { Redaction.isRedacted($0) ? nil : $0 }
    let named = try Self.named(fields.object("SecretParts"))
    guard let raw else {
      value = named ?? both
      secret = nil
      return
    }
    // A key file, whole.
    if let both, both.hasPrefix("{"), both.contains("private_key") {
      value = both
      secret = nil
      return
    }
    let other = named ?? both.flatMap { Self.other($0, than: raw) }
    secret = other
    let isOther =
      other.map { !Self.isPublic(raw, table) && Self.looksSecret($0, beside: raw, table) } ?? false
    value = isOther ? other : raw
  }

  /// Early versions wrote `Raw` in base64.
  private static func decoded(_ raw: String, _ table: KindTable) -> String {
    if table.kind(ofValueBeginning: Array(raw.utf8)) == nil, let data = Data(base64Encoded: raw),
      let text = String(validating: data, as: UTF8.self), table.kind(ofValueBeginning: Array(data)) != nil
    {
      return text
    }
    return raw
  }

  /// The part that is called a secret, of parts that have names.
  private static func named(_ parts: RecordFields?) throws(RecordProblem) -> String? {
    guard let parts else { return nil }
    let words = ["secret", "password", "private", "token", "pass", "key"]
    for word in words {
      for name in parts.names.sorted()
      where name.lowercased().contains(word) && !name.lowercased().hasSuffix("id") {
        if let part = try parts.text(name), !Redaction.isRedacted(part) { return part }
      }
    }
    return nil
  }

  /// What `both` holds besides `raw`.
  private static func other(_ both: String, than raw: String) -> String? {
    if both.hasPrefix("{"), let object = object(both) {
      do throws(RecordProblem) {
        return try named(RecordFields(object, "RawV2"))
      } catch {
        return nil  // its parts are no texts: `Raw` is what there is
      }
    }
    let joints: Set<Character> = [":", ";", ",", "|", "\t", " ", "\n"]
    let rest: Substring
    if both.hasPrefix(raw) {
      rest = both.dropFirst(raw.count).drop { joints.contains($0) }
    } else if both.hasSuffix(raw) {
      rest = both.dropLast(raw.count)
    } else {
      return nil
    }
    let text = rest.reversed().drop { joints.contains($0) }.reversed()
    return text.isEmpty ? nil : String(text)
  }

  private static func object(_ text: String) -> JSONValue? {
    do throws(JSONError) {
      return try JSONValue(parsing: text)
    } catch {
      return nil  // no JSON, so no names of parts
    }
  }

  /// True for an access key id and the like, which reading them as a credential makes a handle.
  private static func isPublic(_ raw: String, _ table: KindTable) -> Bool {
    let reading = CredentialReading(of: Secret(raw), kinds: [], table: table)
    return reading.secret == nil && reading.handle != nil
  }

  /// Which half is the secret, when nothing names them: no address, name or number, and the longer one.
  private static func looksSecret(_ part: String, beside raw: String, _ table: KindTable) -> Bool {
    if table.kind(ofValueBeginning: Array(raw.utf8)) != nil { return false }
    let isName = part.contains { $0 == "." || $0 == "@" || $0 == "/" } || part.allSatisfy(\.isNumber)
    return !isName && !containsUUID(part) && part.count > raw.count
  }

  private static func containsUUID(_ text: String) -> Bool {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    return groups.count >= 5
      && groups.dropFirst().prefix(3).allSatisfy { $0.count == 4 && $0.allSatisfy(\.isHexDigit) }
  }
}
