import JSON
import Testing

@Suite struct JSONRecordReaderTests {
  private let text = #"""
    {"head": {"x": [1, 2, {"y": "z"}]}, "findings": [
      {"a": "é\n", "b": [1, 2]},
      7,
      {"a": null}
    ], "tail": "end"}
    """#

  private func read(
    _ paths: [JSONPath], _ text: String, pieces size: Int, content: JSONTokenizer.Content = .oneValue
  )
    throws -> [JSONRecord]
  {
    var reader = JSONRecordReader(paths, content: content)
    var records: [JSONRecord] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      records += try reader.feed(bytes[start..<min(start + size, bytes.count)])
    }
    return try records + reader.finish()
  }

  @Test(arguments: [1, 2, 3, 7, 64, 4096])
  func theSizeOfThePiecesDoesNotMatter(size: Int) throws {
    let records = try read([JSONPath(.member("findings"), .anyElement)], text, pieces: size)
    #expect(records.map(\.value) == [["a": "é\n", "b": [1, 2]], 7, ["a": nil]])
    #expect(records.map(\.position.line) == [2, 3, 4])
    #expect(records.last?.steps == [.member("findings"), .element(2)])
  }

  @Test func aPathMayGoThroughAnyMember() throws {
    let records = try read(
      [JSONPath(.member("results"), .anyMember, .anyElement)],
      #"{"results":{"a":[1,2],"b":[3]},"other":{"c":[4]}}"#,
      pieces: 5)
    #expect(records.map(\.value) == [1, 2, 3])
    #expect(records.map { $0.steps[1] } == [.member("a"), .member("a"), .member("b")])
  }

  @Test func severalTextsOneAfterTheOtherAreRead() throws {
    let records = try read([JSONPath(.anyElement)], "[1] [2]\n[3][]", pieces: 3, content: .values)
    #expect(records.map(\.value) == [1, 2, 3])
  }

  @Test func whatIsNotKeptIsCheckedAsStrictly() throws {
    for bad in [
      #"{"x":[1,],"f":[]}"#, #"{"x":{"a":1,"a":2},"f":[]}"#, #"{"x":"\uD800","f":[]}"#, #"{"f":[]"#,
    ] {
      #expect(throws: JSONError.self) { try read([JSONPath(.member("f"), .anyElement)], bad, pieces: 4) }
    }
  }

  @Test func recordsBeforeAnErrorComeFirst() throws {
    var reader = JSONRecordReader([JSONPath(.anyElement)])
    #expect(try reader.feed(Array("[1,2,oops]".utf8)[...]).map(\.value) == [1, 2])
    let error = #expect(throws: JSONError.self) { try reader.finish() }
    #expect(error?.position.description == "1:6")
  }
}
