import Testing

@testable import GitHistory

@Suite struct SwapPlanTests {
  private let bases = PlanBases(common: PathBytes("/r/.git"), root: PathBytes("/r"))
  private var plan: SwapPlan {
    var plan = SwapPlan()
    plan.files = [
      .init(
        stage: .packedReferences, path: PathBytes("/r/.git/packed-refs"), vault: 1, staged: PathBytes("/s/1")),
      .init(stage: .oldObjects, path: PathBytes(bytes: [0x2F, 0xFF, 0x0A, 0x09]), vault: nil, staged: nil),
    ]
    plan.locks = [PathBytes("/r/.git/index.lock")]
    plan.objectFiles = [PathBytes("/r/.git/objects/pack/x.pack")]
    plan.renames = [ReferenceName("refs/heads/n"): ReferenceName("refs/heads/o")]
    plan.before = [ReferenceName("HEAD"): "ref:72"]
    plan.after = [ReferenceName("HEAD"): "ref:73"]
    return plan
  }

  @Test func `A plan reads back as it was written, whatever bytes its paths have`() throws {
    #expect(try SwapPlan(bytes: plan.bytes(bases), bases) == plan)
  }

  @Test func `A plan follows a repository that was moved`() throws {
    let moved = PlanBases(common: PathBytes("/n/.git"), root: PathBytes("/n"))
    let read = try SwapPlan(bytes: plan.bytes(bases), moved)
    #expect(read.files[0].path == PathBytes("/n/.git/packed-refs"))
    #expect(read.locks == [PathBytes("/n/.git/index.lock")])
    #expect(read.files[1] == plan.files[1])
  }

  @Test func `A plan that was cut off anywhere is refused`() {
    let bytes = plan.bytes(bases)
    for count in stride(from: 0, to: bytes.count - 1, by: 7) {
      #expect(throws: (any Error).self) { try SwapPlan(bytes: Array(bytes.prefix(count)), bases) }
    }
  }
}
