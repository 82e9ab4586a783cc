import Foundation

/// The inputs that `Benchmarks/fuzz/run` starts from and has found: each leads a reader where no other does, or once broke it.
public enum FuzzCorpus {
  /// What lies in `Fixtures/fuzz` beside the test's file, by name.
  public static func inputs(beside file: String = #filePath) throws -> [(name: String, bytes: [UInt8])] {
    let directory = URL(filePath: file).deletingLastPathComponent().appending(path: "Fixtures/fuzz")
    return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map { name in
      (name, Array(try Data(contentsOf: directory.appending(path: name))))
    }
  }
}
