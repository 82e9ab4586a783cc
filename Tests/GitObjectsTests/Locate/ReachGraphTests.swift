import Testing

@testable import GitObjects

@Suite struct ReachGraphTests {
  /// The same numbers for the same seed everywhere.
  private struct Numbers {
    var state: UInt64
    mutating func below(_ limit: Int) -> Int {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
  }

  /// Little memory: one word a node, so that 150 sources take three passes.
  @Test(arguments: [1, 2, 3, 4] as [UInt64], [1, 1 << 20])
  func `Every source gets exactly the sinks from which a walk reaches it`(seed: UInt64, memory: Int) {
    var numbers = Numbers(state: seed &* 0x9E37_79B9_7F4A_7C15)
    var graph = ReachGraph()
    var children: [[UInt32]] = []
    for node in 0..<400 {
      let below = node == 0 ? [] : (0..<numbers.below(4)).map { _ in UInt32(numbers.below(node)) }
      children.append(below)
      #expect(graph.add(below) == UInt32(node))
    }
    func reached(from start: UInt32) -> Set<UInt32> {
      var seen: Set<UInt32> = [start]
      var stack = [start]
      while let node = stack.popLast() {
        for child in children[Int(node)] where seen.insert(child).inserted { stack.append(child) }
      }
      return seen
    }
    let sources = (0..<150).map { _ in UInt32(numbers.below(400)) }
    let sinks = (0..<130).map { _ in UInt32(numbers.below(400)) }
    let walks = sinks.map(reached)
    var answered = 0
    graph.sinks(sinks, leadingTo: sources, memory: memory) { source, bits in
      answered += 1
      #expect(bits.members == sinks.indices.filter { walks[$0].contains(sources[source]) })
    }
    #expect(answered == sources.count)
  }

  @Test func `Transposing a block twice gives it back, and a single bit goes to its mirror place`() {
    var numbers = Numbers(state: 42)
    let block = (0..<64).map { _ in UInt64(numbers.below(1 << 30)) << 33 | UInt64(numbers.below(1 << 30)) }
    var turned = block
    BitBlock.transpose(&turned)
    for row in 0..<64 {
      for column in 0..<64 { #expect(turned[column] >> UInt64(row) & 1 == block[row] >> UInt64(column) & 1) }
    }
    BitBlock.transpose(&turned)
    #expect(turned == block)
  }
}
