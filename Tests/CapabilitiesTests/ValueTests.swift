import Capabilities
import Foundation
import Incidents
import Testing

@Suite struct ValueTests {
  @Test(arguments: [
    Value.null, .unknown, .string("$secret"), .integer(-7), .boolean(true), .duration(.milliseconds(1500)),
    .timestamp(Date(timeIntervalSince1970: 1_800_000_000.25)), .url("https://example.org/a"),
    .secret("run-1/leaked"),
    .credential("pg"), .store("env"), .consumer("app"), .repository("ml"), .tracker("t"), .incident("inc-1"),
    .list([.integer(1), .secret("x")]), .record(["a": .list([]), "b": .null]),
  ])
  func `a value reads back from the journal as it was`(value: Value) {
    #expect(Value(json: value.json) == value)
  }
}
