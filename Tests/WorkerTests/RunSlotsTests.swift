import Foundation
import Incidents
import Testing

@testable import Worker

@Suite struct RunSlotsTests {
  private let start = Date(timeIntervalSince1970: 1_796_000_000)

  @Test func `two runs at a provider at once, eight in all; other providers do not wait`() {
    var slots = RunSlots()
    for number in 1...2 { slots.begin(RunID("run-\(number)"), at: "postgres", now: start) }
    #expect(!slots.admits("postgres", at: start))
    #expect(slots.admits("openai", at: start) && slots.admits(nil, at: start))
    for number in 3...8 { slots.begin(RunID("run-\(number)"), at: nil, now: start) }
    #expect(!slots.admits("openai", at: start) && !slots.admits(nil, at: start))
    slots.end("run-1")
    #expect(slots.admits("postgres", at: start))
  }

  @Test func `a run that takes longer than a minute gives its place away and stays known`() {
    var slots = RunSlots()
    for number in 1...2 { slots.begin(RunID("run-\(number)"), at: "postgres", now: start) }
    #expect(slots.nextPlace(at: start) == start + RunSlots.patience)
    let later = start + RunSlots.patience
    #expect(slots.admits("postgres", at: later))
    #expect(slots.contains("run-1") && slots.runs == ["run-1", "run-2"])
    #expect(slots.nextPlace(at: later) == nil)
  }

  @Test func `however many hang, there is a bound`() {
    var slots = RunSlots()
    var time = start
    var begun = 0
    while slots.admits(nil, at: time), begun < 10_000 {
      begun += 1
      slots.begin(RunID("run-\(begun)"), at: nil, now: time)
      time += RunSlots.patience
    }
    #expect(begun == 256)
  }
}
