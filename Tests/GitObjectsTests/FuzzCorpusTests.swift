import Foundation
import Testing
import TestSupport

/// Inputs that fuzzing found (`Benchmarks/fuzz/run`): each once led the engine where no other did.
@Suite struct FuzzCorpusTests {
  private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/packs").path

  private static func inputs() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  @Test func `the engine survives every pack of the corpus`() throws {
    let scratch = try TemporaryDirectory()
    let inputs = try Self.inputs()
    #expect(inputs.count >= 8)
    for name in inputs {
      let bytes = try Data(contentsOf: URL(filePath: Self.directory + "/" + name))
      #expect(throws: Never.self, "\(name)") {
        try PackFuzzInput(Array(bytes)).exercise(in: scratch.path("git"))
      }
    }
  }
}
