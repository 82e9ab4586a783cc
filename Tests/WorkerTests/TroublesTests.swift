import Foundation
import Testing

@testable import Worker

@Suite struct TroublesTests {
  private let start = Date(timeIntervalSince1970: 1_796_000_000)

  @Test func `each time the pause doubles, up to the longest; once it went well it begins anew`() {
    var troubles = Troubles<String>(first: 2, longest: 10)
    var pauses: [TimeInterval] = []
    for _ in 1...5 {
      _ = troubles.note("a", "the disk is full", at: start)
      pauses.append(troubles.next(after: start)?.timeIntervalSince(start) ?? 0)
    }
    #expect(pauses == [2, 4, 8, 10, 10])
    #expect(troubles.holds("a", at: start + 9) && !troubles.isDue("a", at: start + 9))
    #expect(!troubles.holds("a", at: start + 10) && troubles.isDue("a", at: start + 10))
    troubles.clear("a")
    #expect(!troubles.isDue("a", at: start + 10) && troubles.next(after: start) == nil)
    _ = troubles.note("a", "the disk is full", at: start)
    #expect(troubles.next(after: start) == start + 2)
  }

  @Test func `the same is said once, something else is news, and each thing has a pause of its own`() {
    var troubles = Troubles<String>(first: 2, longest: 10)
    let news = [("a", "one", 0), ("a", "one", 0), ("a", "two", 0), ("b", "two", 1)].map {
      troubles.note($0, $1, at: start + $2)
    }
    #expect(news == [true, false, true, true])
    #expect(troubles.held(at: start + 2) == ["a", "b"])
    #expect(troubles.due(at: start + 3) == ["b"])
    #expect(troubles.next(after: start + 3) == start + 8)
  }
}
