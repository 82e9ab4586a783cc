import Testing

@testable import GitObjects

/// Streams of the compressor for small ones must be read by any inflater; the oracle here is libdeflate, and git itself in
/// `ManyCommitsTests`.
@Suite struct SmallDeflaterTests {
  private static func roundTrip(_ input: [UInt8], _ deflater: SmallDeflater) throws -> (
    size: Int, output: [UInt8]
  )? {
    let target = ByteBuffer()
    target.append([1, 2, 3])
    let written = input.withUnsafeBufferPointer { deflater.deflate($0, to: target) }
    guard let written else { return nil }
    #expect(target.count == 3 + written)
    var output = [UInt8](repeating: 0, count: input.count)
    let inflater = try Inflater()
    let used = output.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { inflater.inflate(target.base + 3, written, to: $0, size: buffer.count) }
    }
    #expect(used == written)
    return (written, output)
  }

  private static func text(_ number: Int, _ numbers: inout HostilePackTests.Numbers) -> [UInt8] {
    let words = ["tree", "parent", "author", "fix", "the", "code", "release", "0123", "abcdef"]
    let count = Int.random(in: 1...120, using: &numbers)
    let list = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &numbers)] }
    return Array((list.joined(separator: " ") + " \(number)").utf8)
  }

  private static func learned(_ numbers: inout HostilePackTests.Numbers) throws -> SmallDeflater {
    let deflater = SmallDeflater()
    for number in 0..<96 { #expect(try roundTrip(text(number, &numbers), deflater) == nil) }
    return deflater
  }

  @Test func `what resembles the learned streams comes back, and is smaller`() throws {
    var numbers = HostilePackTests.Numbers(state: 1)
    let deflater = try Self.learned(&numbers)
    var (before, after) = (0, 0)
    for number in 0..<500 {
      let input = Self.text(number, &numbers)
      let result = try #require(try Self.roundTrip(input, deflater))
      #expect(result.output == input)
      before += input.count
      after += result.size
    }
    #expect(after < before / 2)
  }

  @Test func `what does not resemble them comes back too, and hardly grows`() throws {
    var numbers = HostilePackTests.Numbers(state: 2)
    let deflater = try Self.learned(&numbers)
    for length in [1, 2, 3, 4, 5, 6, 7, 8, 79, 257, 258, 259, 300, 1000, 2047, 2048] {
      let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &numbers) }
      for input in [
        noise, [UInt8](repeating: 0, count: length), Array((noise + noise + noise).suffix(length)),
      ] {
        let result = try #require(try Self.roundTrip(input, deflater))
        #expect(result.output == input)
        #expect(result.size <= length + 11)
      }
    }
  }

  @Test func `every length and distance of a match comes back`() throws {
    var numbers = HostilePackTests.Numbers(state: 3)
    let deflater = try Self.learned(&numbers)
    for length in 4...260 {
      let gap = Int.random(in: 0...(2048 - 2 * length), using: &numbers)
      let piece = (0..<length).map { _ in UInt8.random(in: 0...255, using: &numbers) }
      let input = piece + (0..<gap).map { _ in UInt8.random(in: 0...255, using: &numbers) } + piece
      #expect(try #require(try Self.roundTrip(input, deflater)).output == input)
    }
  }

  @Test func `a longer stream is left to the general compressor`() throws {
    var numbers = HostilePackTests.Numbers(state: 4)
    let deflater = try Self.learned(&numbers)
    #expect(try Self.roundTrip([UInt8](repeating: 7, count: 2049), deflater) == nil)
  }

  @Test(arguments: [7, 15] as [UInt8])
  func `a code is complete and keeps its limit, however uneven the counts are`(limit: UInt8) {
    // Fibonacci numbers give the deepest tree.
    var counts = [1, 1]
    while counts.count < 40 { counts.append(counts[counts.count - 1] + counts[counts.count - 2]) }
    let code = HuffmanCode(counts: counts, limit: limit)
    #expect(code.lengths.allSatisfy { $0 > 0 && $0 <= limit })
    #expect(code.lengths.reduce(0) { $0 + (1 << (15 - Int($1))) } == 1 << 15)
    #expect(Set(zip(code.lengths, code.codes).map { "\($0):\($1)" }).count == 40)
  }
}
