import Foundation
import TestSupport
import Testing

/// A canary that finds nothing proves nothing: show that it finds each form.
@Suite struct CanaryTests {
  @Test(
    arguments: [
      { $0 }, { Data($0.utf8).base64EncodedString() }, { Data(("u:" + $0 + "@").utf8).base64EncodedString() },
      { Data(("x" + $0 + "yz").utf8).base64EncodedString() },
      { $0.utf8.map { String(format: "%02X", $0) }.joined() },
      { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" },
    ] as [@Sendable (String) -> String])
  func `it finds a planted secret in a file`(form: @Sendable (String) -> String) throws {
    let directory = try TemporaryDirectory()
    let secret = "s3cret/with" + "+signs=="
    try Data(("before " + form(secret) + " after").utf8).write(to: URL(filePath: directory.path("file")))
    #expect(try !Canary(["planted": secret]).hits(below: directory.path).isEmpty)
    #expect(try Canary(["other": "some" + "thing-else"]).hits(below: directory.path).isEmpty)
  }
}
