public import Capabilities
public import JSON

extension ScanReport {
  /// The stable form for programs (docs/JSON.md): no value, no author.
  public var json: JSONValue {
    .object([
      "schema": 1, "clean": .boolean(isClean), "objects": .integer(objects), "commits": .integer(commits),
      "places": .array(findings.map(\.json)), "backups": .array(backups.map { .string($0) }),
      "submodules": .array(submodules.map { .string($0) }),
      "not_searched": .array(notSearched.map(\.json)),
    ])
  }

  /// SARIF 2.1.0, one result an occurrence; what no file path names is located by its object or reference.
  /// Source: OASIS SARIF 2.1.0, §3.27.
  public var sarif: JSONValue {
    let words = Set(places.map(\.place)).sorted()
    let rules = words.map { word -> JSONValue in
      [
        "id": .string(ScanReport.rule(word)),
        "shortDescription": ["text": .string("A leaked secret stands in a \(word)")],
      ]
    }
    return [
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
      "runs": [
        [
          "tool": ["driver": ["name": "staunch", "rules": .array(rules)]], "columnKind": "utf16CodeUnits",
          "results": .array(findings.map(\.sarif)),
        ]
      ],
    ]
  }

  /// For people: one line an occurrence, the most important line last.
  public var text: String {
    var lines = findings.map(\.text)
    for backup in backups { lines.append("undo vault \(backup) still holds what an earlier rewrite removed") }
    for path in submodules { lines.append("not searched: \(path) is a repository of its own") }
    for left in notSearched { lines.append("not searched: \(left.place): \(left.why)") }
    let unreachable = findings.count { $0.isUnreachable }
    let found = Set(findings.map(\.place.object)).count
    lines.append(
      isClean
        ? "clean: \(objects) objects, \(commits) commits, every reference, log, index and file searched"
        : "found in \(findings.count) places of \(found) objects and files (\(unreachable) unreachable)")
    return lines.joined(separator: "\n")
  }

  static func rule(_ place: String) -> String { "leaked-secret/" + place.replacing(" ", with: "-") }
}

extension HistoryUnsearched {
  /// One member of `not_searched`.
  public var json: JSONValue { ["place": .string(place), "why": .string(why)] }
}

extension ScanReport.Finding {
  var json: JSONValue {
    .object([
      "place": .string(place.place), "object": .string(place.object),
      "path": place.path.map { .string($0) } ?? .null,
      "line": place.line.map { .integer($0) } ?? .null, "refs": .array(place.refs.map { .string($0) }),
      "form": .string(place.form), "first_commit": firstCommit.map { .string($0) } ?? .null,
      "last_commit": lastCommit.map { .string($0) } ?? .null, "unreachable": .boolean(isUnreachable),
    ])
  }

  var sarif: JSONValue {
    let name = place.path ?? place.object
    var physical: [String: JSONValue] = ["artifactLocation": ["uri": .string(Self.uri(name))]]
    if let line = place.line { physical["region"] = ["startLine": .integer(line)] }
    var properties: [String: JSONValue] = ["object": .string(place.object), "form": .string(place.form)]
    if let lastCommit { properties["commit"] = .string(lastCommit) }
    properties["refs"] = .array(place.refs.map { .string($0) })
    return [
      "ruleId": .string(ScanReport.rule(place.place)), "level": "error",
      "message": ["text": .string("A leaked secret (\(place.form)) stands in a \(place.place): \(name)")],
      "locations": [["physicalLocation": .object(physical)]],
      "partialFingerprints": [
        "placeInObject/v1": .string("\(place.object):\(place.line ?? 0):\(place.form)")
      ], "properties": .object(properties),
    ]
  }

  var text: String {
    var text = "\(place.place)  \(place.path ?? place.object)"
    if let line = place.line { text += ":\(line)" }
    text += "  \(place.form)"
    if let firstCommit, let lastCommit { text += "  \(firstCommit.prefix(10))…\(lastCommit.prefix(10))" }
    if isUnreachable { text += "  unreachable" }
    if !place.refs.isEmpty {
      text += "  " + place.refs.prefix(4).joined(separator: ", ")
      if place.refs.count > 4 { text += " and \(place.refs.count - 4) more" }
    }
    return text
  }

  /// A relative reference (RFC 3986 §3.3): everything but unreserved characters and `/` is escaped.
  private static func uri(_ path: String) -> String {
    path.utf8.map { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F:
        return String(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        return "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }.joined()
  }
}
