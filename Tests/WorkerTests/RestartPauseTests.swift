import Testing

@testable import Response
@testable import Worker

@Suite struct RestartPauseTests {
  @Test func `a child that keeps dying is started at once, then ever more slowly, at most a minute apart`() {
    var pause = RestartPause()
    let waits = (0..<10).map { _ in pause.next(afterLiving: .milliseconds(3)) }
    #expect(waits == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map { Duration.seconds($0) })
  }

  @Test func `a child that had lived for a minute is started at once again`() {
    var pause = RestartPause()
    for _ in 0..<5 { _ = pause.next(afterLiving: .zero) }
    #expect(pause.next(afterLiving: .seconds(60)) == .zero)
    #expect(pause.next(afterLiving: .seconds(59)) == .seconds(1))
  }
}
