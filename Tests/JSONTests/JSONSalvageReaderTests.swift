import JSON
import Testing

/// "One bad record never costs its neighbours": damage of every sort, and text that is no record.
@Suite struct JSONSalvageReaderTests {
  private static let shapes = [JSONPath(), JSONPath(.anyElement), JSONPath(.anyElement, .anyElement)]

  private struct Outcome {
    var values: [JSONValue] = []
    var damaged: [String] = []
    var text: [Int] = []
  }

  private func read(_ text: String, paths: [JSONPath] = shapes, pieces size: Int = 1 << 20) -> Outcome {
    read(Array(text.utf8), paths: paths, pieces: size)
  }

  private func read(
    _ bytes: [UInt8], paths: [JSONPath] = shapes, pieces size: Int = 1 << 20,
    limits: JSONLimits = .standard
  ) -> Outcome {
    var reader = JSONSalvageReader(paths, limits: limits)
    var items: [JSONSalvageReader.Item] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      items += reader.feed(bytes[start..<min(start + size, bytes.count)])
    }
    items += reader.finish()
    var outcome = Outcome()
    for item in items {
      switch item {
      case .record(let record), .embedded(let record): outcome.values.append(record.value)
      case .damaged(let error, let isRest):
        outcome.damaged.append("\(error.position.line)\(isRest ? " rest" : "")")
      case .text(let line): outcome.text.append(line)
      }
    }
    return outcome
  }

  @Test(
    arguments: [
      "{\"a\":1}\n{\"a\":2}\n", "[{\"a\":1},{\"a\":2}]", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n",
      "[{\"a\":1}]\n[{\"a\":2}]\n", "[[{\"a\":1}],[{\"a\":2}]]", "[{\"a\":1},{\"a\":2}]\nnull\n",
      "{\"a\":1},\n{\"a\":2},\n", "{\"a\":1}{\"a\":2}",
    ], [1, 3, 4096])
  func everyShapeIsReadWhateverThePieces(text: String, size: Int) {
    let outcome = read(text, pieces: size)
    #expect(outcome.values == [["a": 1], ["a": 2]])
    #expect(outcome.damaged.isEmpty && outcome.text.isEmpty)
  }

  /// The second of three records is damaged, minified and pretty-printed, alone on its line and in a list.
  @Test(
    arguments: [
      #"{"a": oops}"#, #"{"a": "\q"}"#, #"{"a": 1, "a": 2}"#, #"{"a": 01}"#, #"{"a": 1e999}"#, #"{"a": }"#,
      #"{"a" 1}"#, #"{"a": [1}"#, #"{"a": {"b": tru}}"#, #"{"a": "x" "y"}"#, #"{"a": 1"#,
      #"{"a": "never closed"#,
      #"{"a": "brace } in text", "b": nope}"#, #"{"a": "\\", "b": nope}"#,
    ], [1, 7, 4096])
  func aDamagedRecordCostsNoNeighbour(record: String, size: Int) {
    for text in [
      "{\"a\":1}\n\(record)\n{\"a\":3}\n", "[\n{\"a\":1},\n\(record),\n{\"a\":3}\n]\n",
      "[\n  {\"a\": 1},\n  \(record),\n  {\"a\": 3}\n]\n",
    ] {
      let outcome = read(text, pieces: size)
      #expect(outcome.values == [["a": 1], ["a": 3]], "\(text)")
      #expect(!outcome.damaged.isEmpty, "\(text) was damaged in silence")
      #expect(outcome.damaged.first?.hasPrefix(text.hasPrefix("{") ? "2" : "3") == true, "\(text)")
    }
  }

  @Test(arguments: ["{\"a\":1},{\"a\": oops},{\"a\":3}", "{\"a\":1} {\"a\":3}"])
  func aListOnOneLineIsFoundAgain(records: String) {
    let outcome = read("[\(records)]")
    #expect(outcome.values.first == ["a": 1])
    #expect(outcome.values.last == ["a": 3])
    #expect(!outcome.damaged.isEmpty)
  }

  @Test func whatIsNoUnicodeIsCleanedAndKept() {
    let text =
      Array(#"{"a":"\u0000x","b":"\ud800","c":"\udcfc.py","d":""#.utf8) + [0xE9, 0x00] + Array("\"}".utf8)
    let outcome = read(text)
    #expect(
      outcome.values == [["a": "\u{FFFD}x", "b": "\u{FFFD}", "c": "\u{FFFD}.py", "d": "\u{FFFD}\u{FFFD}"]])
  }

  @Test func linesOfTextAreNamedAndNoRecord() {
    let text = """
      🐷 Unearth your secrets. 🐷

      [12:30:45] scanning
      [INFO] {"a":1}
      2026-11-30T00:00:00Z {"a":2} done
      {"a":3}
      null
      11:46PM WRN leaks found: 2
      """
    let outcome = read(text)
    #expect(outcome.values == [["a": 1], ["a": 2], ["a": 3]])
    #expect(outcome.text == [1, 3, 5, 8])
    #expect(outcome.damaged.isEmpty)
  }

  @Test func aRecordWithoutItsBeginningIsNoText() {
    let outcome = read("tadata\":{\"line\":3},\"Raw\":\"x\"}\n{\"a\":2}\n")
    #expect(outcome.values.last == ["a": 2])
    #expect(outcome.damaged.contains { $0.hasPrefix("1") })
  }

  @Test func theRestOfACutTextIsNamed() {
    #expect(read("[{\"a\":1},{\"a\":2},{\"a\"").damaged == ["1 rest"])
    #expect(read("[{\"a\":1},\n{\"a\" oops").damaged == ["2 rest"])
    #expect(read("[{\"a\":1}").damaged == ["1 rest"])
  }

  @Test func aRecordBeyondTheLimitsCostsNoNeighbour() {
    let limits = JSONLimits(nodes: 5, stringBytes: 100)
    let many = "{\"a\":[\((1...9).map(String.init).joined(separator: ","))]}"
    let long = "{\"a\":\"\(String(repeating: "x", count: 200))\"}"
    for record in [many, long] {
      let outcome = read(Array("[{\"a\":1},\(record),{\"a\":3}]".utf8), pieces: 16, limits: limits)
      #expect(outcome.values == [["a": 1], ["a": 3]])
      #expect(outcome.damaged.count == 1)
    }
  }

  @Test func damageBesideTheRecordsCostsNone() {
    let text = #"{"rules":[{"help":"\q"}],"runs":[{"x":1},{"x":2}],"tail":oops,"z":1}"#
    let outcome = read(text, paths: [JSONPath(.member("runs"), .anyElement)])
    #expect(outcome.values == [["x": 1], ["x": 2]])
    #expect(outcome.damaged.count == 2)
  }
}
