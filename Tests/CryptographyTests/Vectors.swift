import Foundation
import JSON

/// Published test vectors (Fixtures/SOURCES.md).
struct Vectors {
  let all: JSONValue

  init() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/vectors.json")
    all = try JSONValue(parsing: Array(Data(contentsOf: path)))
  }

  subscript(_ name: String) -> [JSONValue] { all[name]?.array ?? [] }
}

extension JSONValue {
  /// A member's hexadecimal digits as bytes.
  func bytes(_ name: String) -> [UInt8] {
    let digits = Array(self[name]?.string ?? "")
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0..<$0 + 2]), radix: 16)
    }
  }
}

/// Hexadecimal digits of the RFCs, spaces allowed.
func bytes(_ digits: String) -> [UInt8] {
  JSONValue.object(["x": .string(digits.filter { !$0.isWhitespace })]).bytes("x")
}
