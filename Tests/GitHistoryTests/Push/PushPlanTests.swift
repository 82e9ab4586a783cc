import GitObjects
import Testing

@testable import GitHistory

@Suite struct PushPlanTests {
  private func id(_ digit: Character) throws -> ObjectID {
    try #require(ObjectID(hex: String(repeating: digit, count: 40)))
  }

  @Test func `Each reference of the remote gets the rewritten version of its own value`() throws {
    let (old, older, new, newer, foreign, clean) = (
      try id("1"), try id("2"), try id("3"), try id("4"), try id("5"), try id("6")
    )
    let main = ReferenceName("refs/heads/main")
    let plan = PushPlan(
      remote: [
        main: older, ReferenceName("refs/heads/clean"): clean, ReferenceName("refs/pull/7/head"): old,
        ReferenceName("refs/heads/theirs"): foreign, ReferenceName("HEAD"): older,
      ],
      map: [old: new, older: newer], moved: [(main, main, old, new)], tracked: [main: older],
      contains: { $0 == clean })
    #expect(plan.updates == [.init(name: main, new: newer, lease: older)])
    #expect(plan.hidden == [ReferenceName("refs/pull/7/head")])
    #expect(plan.unknown == [ReferenceName("refs/heads/theirs")])
  }

  @Test func `A reference that somebody moved keeps the lease of what we knew, so that Git refuses`() throws {
    let (old, new, foreign) = (try id("1"), try id("3"), try id("5"))
    let main = ReferenceName("refs/heads/main")
    let plan = PushPlan(
      remote: [main: foreign], map: [old: new], moved: [(main, main, old, new)], tracked: [:],
      contains: { _ in false })
    #expect(plan.updates == [.init(name: main, new: new, lease: old)])
  }

  @Test func `A renamed reference is created under its new name and deleted under the old`() throws {
    let (old, new) = (try id("1"), try id("3"))
    let (before, after) = (ReferenceName("refs/heads/x"), ReferenceName("refs/heads/y"))
    let plan = PushPlan(
      remote: [before: old], map: [old: new], moved: [(before, after, old, new)], tracked: [:],
      contains: { _ in false })
    #expect(
      plan.updates == [.init(name: after, new: new, lease: nil), .init(name: before, new: nil, lease: old)])
  }
}
