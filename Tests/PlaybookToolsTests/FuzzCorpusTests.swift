import TestSupport
import Testing

/// Inputs that fuzzing found (`Benchmarks/fuzz/run`): each once led a reader where no other did.
@Suite struct FuzzCorpusTests {
  @Test func `every playbook of the corpus is read or refused with its place`() throws {
    let scratch = try TemporaryDirectory()
    let target = try FuzzTarget(directory: scratch.path)
    let inputs = try FuzzCorpus.inputs()
    #expect(inputs.count >= 8)
    for input in inputs {
      #expect(throws: Never.self, "\(input.name)") { try target.exercise(input.bytes) }
    }
  }
}
