import GitObjects
import Testing

@testable import GitHistory

@Suite struct PushPlanTests {
  private func id(_ digit: Character) throws -> ObjectID {
    try #require(ObjectID(hex: String(repeating: digit, count: 40)))
  }
  private let main = ReferenceName("refs/heads/main")

  @Test
  func `Each reference of the remote gets the rewritten version of its own value, and none is left out`()
    throws
  {
    let (old, older, new, newer, foreign, clean) = (
      try id("1"), try id("2"), try id("3"), try id("4"), try id("5"), try id("6")
    )
    let late = try id("7")
    let remote = [
      main: older, ReferenceName("refs/heads/clean"): clean, ReferenceName("refs/pull/7/head"): old,
      ReferenceName("refs/pull/8/head"): foreign, ReferenceName("refs/heads/theirs"): foreign,
      ReferenceName("refs/heads/late"): late, ReferenceName("HEAD"): older,
    ]
    let plan = PushPlan(remote: remote, moved: [(main, main, old, new)], tracked: [main: older]) {
      switch $0 {
      case old: .rewritten(new)
      case older: .rewritten(newer)
      case clean: .clean
      case late: .holdsRemoved
      default: .absent
      }
    }
    #expect(plan.updates == [.init(name: main, new: newer, lease: older)])
    #expect(plan.hidden == [ReferenceName("refs/pull/7/head")])
    #expect(plan.hiddenUnknown == [ReferenceName("refs/pull/8/head")])
    #expect(plan.unknown == [ReferenceName("refs/heads/theirs")])
    #expect(plan.stale == [ReferenceName("refs/heads/late")])
    #expect(plan.clean == [ReferenceName("refs/heads/clean")])
    let accounted =
      plan.updates.map(\.name) + plan.alreadyDone + plan.clean + plan.hidden + plan.hiddenUnknown
      + plan.unknown + plan.stale
    #expect(accounted.count == remote.count - 1)  // HEAD is another name of main
  }

  @Test(arguments: [PushPlan.Standing.absent, .holdsRemoved])
  func `A reference that somebody moved keeps the lease of what we knew, and is never called done`(
    standing: PushPlan.Standing
  ) throws {
    let (old, new, foreign) = (try id("1"), try id("3"), try id("5"))
    let plan = PushPlan(remote: [main: foreign], moved: [(main, main, old, new)], tracked: [:]) {
      $0 == foreign ? standing : .clean
    }
    #expect(plan.updates == [.init(name: main, new: new, lease: old)])
    #expect(plan.alreadyDone.isEmpty)
    #expect(plan.unaccounted == [main])
  }

  @Test func `A detached HEAD is a reference that no push moves`() throws {
    let (old, new, tip) = (try id("1"), try id("3"), try id("5"))
    let plan = PushPlan(
      remote: [main: tip, ReferenceName("HEAD"): old], moved: [(main, main, old, new)], tracked: [:]
    ) { $0 == old ? .rewritten(new) : .clean }
    #expect(plan.stale == [ReferenceName("HEAD")])
  }

  @Test func `A renamed reference is created under its new name and deleted under the old`() throws {
    let (old, new) = (try id("1"), try id("3"))
    let (before, after) = (ReferenceName("refs/heads/x"), ReferenceName("refs/heads/y"))
    let plan = PushPlan(remote: [before: old], moved: [(before, after, old, new)], tracked: [:]) {
      $0 == old ? .rewritten(new) : .absent
    }
    #expect(
      plan.updates == [.init(name: after, new: new, lease: nil), .init(name: before, new: nil, lease: old)])
  }
}
