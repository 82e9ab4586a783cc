import Testing

@testable import Playbooks

@Suite struct CoreSchemaTests {
  private func kind(_ text: String) -> String {
    switch CoreSchema.resolve(plain: text) {
    case .null: "null"
    case .boolean(let truth): truth ? "true" : "false"
    case .integer(let number): "integer \(number)"
    case .number: "float"
    case .string: "text"
    case .sequence, .mapping: "collection"
    }
  }

  @Test(arguments: [
    ("", "null"), ("~", "null"), ("null", "null"), ("Null", "null"), ("nULL", "text"), ("true", "true"),
    ("FALSE", "false"), ("tRue", "text"), ("0", "integer 0"), ("-12", "integer -12"), ("+7", "integer 7"),
    ("012", "integer 12"), ("0o17", "integer 15"), ("0xFf", "integer 255"), ("0x", "text"), ("0o8", "text"),
    ("0b1", "text"), ("1_000", "text"), ("12:30:45", "text"), ("1.5", "float"), (".5", "float"),
    ("5.", "float"),
    ("1e3", "float"), ("1E-3", "float"), ("1e", "text"), (".", "text"), ("-", "text"), ("-.inf", "float"),
    (".NaN", "float"), ("-.nan", "text"), ("1.2.3", "text"), ("2026-11-24", "text"),
    ("99999999999999999999", "float"),
  ])
  func `A plain scalar means what YAML 1.2 says`(_ text: String, _ meaning: String) {
    #expect(kind(text) == meaning)
  }

  @Test(arguments: ["yes", "Yes", "no", "NO", "on", "Off", "y", "n", "<<", "="])
  func `Words that YAML 1.1 gave a meaning are text`(_ word: String) {
    #expect(kind(word) == "text")
  }
}
