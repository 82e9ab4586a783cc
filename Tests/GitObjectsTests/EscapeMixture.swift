import Foundation

/// Writes a value with escapes as a program might that escapes what it likes: layers around each other, and in each of them any
/// character in any notation or as it is.
struct EscapeMixture<Numbers: RandomNumberGenerator> {
  enum Layer: CaseIterable {
    case backslash, backslashCharacter, percent, form, reference
  }

  var numbers: Numbers
  /// Of ten characters that need no escape, how many have one.
  private var often = 5

  init(_ numbers: Numbers) { self.numbers = numbers }

  mutating func value() -> String {
    let plain = Array("abcdefXYZ0123456789".unicodeScalars)
    let others = Array("&%\\<>\"'+/ -_.#{};$\t\näßé€😀".unicodeScalars)
    let share = Int.random(in: 1...6, using: &numbers)
    let count = Int.random(in: 6...20, using: &numbers)
    let scalars = (0..<count).map { place in
      // No white space at an end, and no backslash or the like that a line before would change.
      place > 0 && place < count - 1 && Int.random(in: 0..<8, using: &numbers) < share
        ? pick(others) : pick(plain)
    }
    return text(scalars)
  }

  /// - Returns: a text in which `value` stands behind `layers`, the innermost first.
  mutating func written(_ value: String, _ layers: [Layer]) -> String {
    var scalars = Array(value.unicodeScalars)
    for layer in layers {
      often = pick([0, 1, 5, 10])
      let made = escaped(scalars, layer)
      // Of a form without any escape the table has the spelling.
      if layer != .form || made.contains("%") { scalars = made }
    }
    let (before, behind) = pick([("pw = ", "!"), ("{\"pw\": \"", "\"}"), ("see <", ">, twice"), ("", "")])
    return before + text(scalars) + behind
  }

  // MARK: One layer

  private mutating func escaped(_ scalars: [Unicode.Scalar], _ layer: Layer) -> [Unicode.Scalar] {
    // From the end, since some notations depend on what follows.
    var result: [Unicode.Scalar] = []
    for (place, scalar) in scalars.enumerated().reversed() {
      let one = escaped(scalar, layer, before: result.first)
      result = Array(one.unicodeScalars) + result
      let breaks = layer == .backslash || layer == .backslashCharacter
      if breaks, place > 0, Int.random(in: 0..<40, using: &numbers) == 0 {
        result = Array(pick(["\\\n", "\\\r\n"]).unicodeScalars) + result
      }
    }
    return result
  }

  private mutating func escaped(
    _ scalar: Unicode.Scalar, _ layer: Layer, before next: Unicode.Scalar?
  ) -> String {
    let isNeeded: Bool =
      switch layer {
      case .backslash, .backslashCharacter: scalar == "\\"
      case .percent: scalar == "%"
      case .form: scalar == "%" || scalar == "+"
      case .reference: scalar == "&"
      }
    if layer == .form, scalar == " " { return pick(["+", "%20"]) }
    guard isNeeded || Int.random(in: 0..<10, using: &numbers) < often else { return String(scalar) }
    return switch layer {
    case .backslash, .backslashCharacter: backslash(scalar, layer, before: next)
    case .percent, .form: percent(scalar)
    case .reference: reference(scalar, before: next)
    }
  }

  private mutating func backslash(
    _ scalar: Unicode.Scalar, _ layer: Layer, before next: Unicode.Scalar?
  ) -> String {
    let value = Int(scalar.value)
    var ways = [format("\\u{%x}", value), format("\\x{%X}", value), format("\\U%08x", value)]
    ways.append(String(scalar).utf16.map { format("\\u%04x", Int($0)) }.joined())
    if layer == .backslash || scalar.isASCII {
      ways.append(String(scalar).utf8.map { format("\\x%02X", Int($0)) }.joined())
      ways.append(String(scalar).utf8.map { format("\\%03o", Int($0)) }.joined())
    } else if value <= 0xFF {
      ways.append(format("\\x%02x", value))
    }
    if scalar.isASCII {
      ways.append(format("\\o{%o}", value))
      if let next, !Self.isDigit(next) { ways.append(format("\\%o", value)) }
      if let letter: Unicode.Scalar = ["\t": "t", "\n": "n"][scalar] {
        ways += ["\\\(letter)", "\\\(letter)"]
      }
      if scalar == " " || CharacterSet.punctuationCharacters.union(.symbols).contains(scalar) {
        ways += ["\\\(scalar)", "\\\(scalar)"]
      }
    }
    return pick(ways)
  }

  private mutating func percent(_ scalar: Unicode.Scalar) -> String {
    let bytes = Array(String(scalar).utf8)
    return pick([
      bytes.map { format("%%%02X", Int($0)) }.joined(), bytes.map { format("%%%02x", Int($0)) }.joined(),
      String(scalar).utf16.map { format("%%u%04X", Int($0)) }.joined(),
    ])
  }

  private mutating func reference(_ scalar: Unicode.Scalar, before next: Unicode.Scalar?) -> String {
    let value = Int(scalar.value)
    let names: [Unicode.Scalar: String] = [
      "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&apos;", "ä": "&auml;", "é": "&eacute;",
      "%": "&percnt;", "\\": "&bsol;", "#": "&num;", "$": "&dollar;", "\n": "&NewLine;", "\t": "&Tab;",
    ]
    var ways = [format("&#%d;", value), format("&#x%x;", value), format("&#X%04X;", value)]
    if let name = names[scalar] { ways += [name, name, name] }
    if let next, !Self.isDigit(next), next != ";" { ways.append(format("&#%d", value)) }
    return pick(ways)
  }

  // MARK: Small things

  /// Also a hexadecimal one.
  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isASCIIHexDigit }

  private func format(_ format: String, _ value: Int) -> String { String(format: format, value) }

  private func text(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private mutating func pick<Item>(_ items: [Item]) -> Item {
    items[Int.random(in: 0..<items.count, using: &numbers)]
  }
}
