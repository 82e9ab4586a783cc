import Foundation
import JSON

/// Checks a value against a JSON Schema 2020-12 with the keywords that the API's document uses. A keyword that it does not know
/// is a violation too, so nothing in the document goes unchecked.
struct JSONSchema {
  let schemas: [String: JSONValue]

  /// What does not fit, each with its place; empty when everything does.
  func violations(of value: JSONValue, against schema: JSONValue, at place: String = "$") -> [String] {
    var found: [String] = []
    for (keyword, rule) in schema.object ?? [:] {
      switch keyword {
      case "$ref":
        let name = rule.string?.split(separator: "/").last.map(String.init) ?? ""
        guard let target = schemas[name] else {
          found.append("\(place): there is no schema \(name)")
          continue
        }
        found += violations(of: value, against: target, at: place)
      case "type":
        let names = rule.array?.compactMap(\.string) ?? [rule.string ?? ""]
        if !names.contains(where: { isOfType($0, value) }) { found.append("\(place): not of type \(names)") }
      case "enum":
        if rule.array?.contains(value) != true { found.append("\(place): none of \(rule.canonicalText)") }
      case "const": if rule != value { found.append("\(place): not \(rule.canonicalText)") }
      case "required":
        for name in rule.array?.compactMap(\.string) ?? [] where value.object != nil && value[name] == nil {
          found.append("\(place): lacks \(name)")
        }
      case "properties":
        for (name, property) in rule.object ?? [:] {
          if let member = value.object?[name] {
            found += violations(of: member, against: property, at: "\(place).\(name)")
          }
        }
      case "additionalProperties":
        for name in (value.object ?? [:]).keys where rule == false && schema["properties"]?[name] == nil {
          found.append("\(place): must not have \(name)")
        }
      case "items":
        for (index, element) in (value.array ?? []).enumerated() {
          found += violations(of: element, against: rule, at: "\(place)[\(index)]")
        }
      case "minimum":
        if let number = value.integer, number < rule.integer ?? 0 { found.append("\(place): too small") }
      case "maximum":
        if let number = value.integer, number > rule.integer ?? 0 { found.append("\(place): too large") }
      case "minLength":
        if let text = value.string, text.unicodeScalars.count < rule.integer ?? 0 {
          found.append("\(place): too short")
        }
      case "maxLength":
        if let text = value.string, text.unicodeScalars.count > rule.integer ?? 0 {
          found.append("\(place): too long")
        }
      case "pattern":
        if let text = value.string, let pattern = rule.string {
          // A pattern that is none fits nothing.
          let fits = (try? Regex(pattern).firstMatch(in: text)) != nil
          if !fits { found.append("\(place): does not fit \(pattern)") }
        }
      case "propertyNames":
        for name in (value.object ?? [:]).keys {
          found += violations(of: .string(name), against: rule, at: "\(place).\(name)")
        }
      case "format":
        let instant = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/
        if rule.string != "date-time" || value.string?.wholeMatch(of: instant) == nil {
          found.append("\(place): no \(rule.string ?? "?")")
        }
      default: found.append("\(place): the keyword \(keyword) is not known here")
      }
    }
    return found
  }

  private func isOfType(_ name: String, _ value: JSONValue) -> Bool {
    switch (name, value) {
    case ("object", .object), ("array", .array), ("string", .string), ("boolean", .boolean), ("null", .null),
      ("integer", .integer), ("number", .integer), ("number", .number):
      true
    default: false  // every other pair does not fit
    }
  }
}
