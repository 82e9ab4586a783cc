import Foundation
import Testing

/// Files of this package, and golden files beside the tests (`RECORD_GOLDEN=1` rewrites them; read the diff).
enum PackageFile {
  private static var tests: URL { URL(filePath: #filePath).deletingLastPathComponent() }

  /// The package's directory.
  static var root: URL { tests.deletingLastPathComponent().deletingLastPathComponent() }

  /// A built-in template, by its name in `templates/`.
  static func template(_ name: String) throws -> String {
    try String(contentsOf: root.appending(path: "templates/\(name)"), encoding: .utf8)
  }

  /// Compares with `Golden/<name>`, line by line.
  static func expect(_ text: String, matches name: String, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let golden = tests.appending(path: "Golden/\(name)")
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try text.write(to: golden, atomically: true, encoding: .utf8)
    }
    let expected = try String(contentsOf: golden, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    let actual = text.split(separator: "\n", omittingEmptySubsequences: false)
    let first = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(
      expected == actual,
      """
      \(name) differs at line \((first?.offset ?? min(expected.count, actual.count)) + 1):
      expected \(first.map { String($0.element.0) } ?? "\(expected.count) lines")
      got      \(first.map { String($0.element.1) } ?? "\(actual.count) lines")
      RECORD_GOLDEN=1 rewrites the file.
      """, sourceLocation: sourceLocation)
  }
}
