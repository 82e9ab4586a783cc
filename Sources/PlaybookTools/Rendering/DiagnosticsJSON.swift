public import JSON
public import Playbooks

// How the linter's findings leave: JSON for scripts (docs/JSON.md), SARIF 2.1.0 for code hosts.
extension Linter {
  /// `{"schema":1,"errors":N,"warnings":N,"diagnostics":[{file,line,column,rule,name,severity,message,suggestion}]}`.
  public static func json(of diagnostics: [Diagnostic]) -> JSONValue {
    [
      "schema": 1,
      "errors": .integer(diagnostics.filter { $0.severity == .error }.count),
      "warnings": .integer(diagnostics.filter { $0.severity == .warning }.count),
      "diagnostics": .array(diagnostics.map(entry)),
    ]
  }

  private static func entry(_ diagnostic: Diagnostic) -> JSONValue {
    var members: [String: JSONValue] = [
      "file": .string(diagnostic.position.file), "line": .integer(diagnostic.position.line),
      "column": .integer(diagnostic.position.column), "rule": .string(diagnostic.rule.rawValue),
      "name": .string(diagnostic.rule.name), "severity": .string(diagnostic.severity.rawValue),
      "message": .string(diagnostic.message),
    ]
    if let suggestion = diagnostic.suggestion { members["suggestion"] = .string(suggestion) }
    return .object(members)
  }

  /// A SARIF 2.1.0 log with one run; columns count Unicode code points. Source: OASIS SARIF 2.1.0 §3.
  ///
  /// - Parameter version: of this program.
  public static func sarif(of diagnostics: [Diagnostic], version: String) -> JSONValue {
    let rules = Rule.allCases
    let driver: JSONValue = [
      "name": "staunch", "version": .string(version), "rules": .array(rules.map(reporting)),
    ]
    return [
      "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
      "version": "2.1.0",
      "runs": [
        [
          "tool": ["driver": driver], "columnKind": "unicodeCodePoints",
          "results": .array(diagnostics.map { result($0, among: rules) }),
        ]
      ],
    ]
  }

  private static func reporting(_ rule: Rule) -> JSONValue {
    [
      "id": .string(rule.rawValue), "name": .string(rule.name),
      "shortDescription": ["text": .string(rule.summary)],
      "defaultConfiguration": ["level": .string(rule.severity.rawValue)],
    ]
  }

  private static func result(_ diagnostic: Diagnostic, among rules: [Rule]) -> JSONValue {
    var text = diagnostic.message
    if let suggestion = diagnostic.suggestion { text += ". Fix: " + suggestion }
    let place: JSONValue = [
      "physicalLocation": [
        "artifactLocation": ["uri": .string(percentEncoded(diagnostic.position.file))],
        "region": [
          "startLine": .integer(diagnostic.position.line),
          "startColumn": .integer(diagnostic.position.column),
        ],
      ]
    ]
    var members: [String: JSONValue] = [
      "ruleId": .string(diagnostic.rule.rawValue), "level": .string(diagnostic.severity.rawValue),
      "message": ["text": .string(text)], "locations": [place],
    ]
    if let index = rules.firstIndex(of: diagnostic.rule) { members["ruleIndex"] = .integer(index) }
    return .object(members)
  }

  /// A path as a URI reference (RFC 3986 §2.3 and `/`).
  private static func percentEncoded(_ path: String) -> String {
    path.utf8.reduce(into: "") { text, byte in
      let character = Character(Unicode.Scalar(byte))
      if byte < 0x80, character.isLetter || character.isNumber || "-._~/".contains(character) {
        text.append(character)
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
  }
}
