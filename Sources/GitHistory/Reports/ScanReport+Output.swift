public import Capabilities
public import JSON

extension ScanReport {
  /// SARIF 2.1.0, one result an occurrence; what no file path names is located by its object or reference.
  /// Source: OASIS SARIF 2.1.0, §3.27.
  ///
  /// What was not searched stands in `invocations` as notifications of the run (§3.20.21), so that a run without results does
  /// not read as more than it is.
  ///
  /// - Parameters:
  ///   - version: of the program, for the driver.
  ///   - formsNotSearched: what no search for these patterns covers.
  public func sarif(version: String, formsNotSearched: [String]) -> JSONValue {
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
          "tool": ["driver": ["name": "staunch", "version": .string(version), "rules": .array(rules)]],
          "columnKind": "utf16CodeUnits",
          "invocations": [
            [
              // True of a search that ended; what it left out is told by the notifications.
              "executionSuccessful": true,
              "toolExecutionNotifications": .array(notifications(formsNotSearched)),
            ]
          ],
          "results": .array(findings.map(\.sarif)),
        ]
      ],
    ]
  }

  private func notifications(_ forms: [String]) -> [JSONValue] {
    let places =
      notSearched
      + submodules.map {
        HistoryUnsearched(
          place: "submodule \($0)", why: "it is a repository of its own: scan it with --repository")
      }
    return places.map { left in
      Self.notification("not-searched", "warning", "not searched: \(left.place): \(left.why)")
    } + forms.map { Self.notification("form-not-searched", "note", "not searched: \($0)") }
  }

  private static func notification(_ id: String, _ level: String, _ text: String) -> JSONValue {
    ["descriptor": ["id": .string(id)], "level": .string(level), "message": ["text": .string(text)]]
  }

  static func rule(_ place: String) -> String { "leaked-secret/" + place.replacing(" ", with: "-") }
}

extension HistoryUnsearched {
  /// One member of `not_searched`.
  public var json: JSONValue { ["place": .string(place), "why": .string(why)] }
}

extension ScanReport.Finding {
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
