import Testing

@testable import GitHistory

@Suite struct SwapPlanTests {
  private var plan: SwapPlan {
    var plan = SwapPlan()
    plan.files = [
      .init(stage: .packedReferences, path: PathBytes("/r/.git/packed-refs"), vault: 1, staged: PathBytes("/s/1")),
      .init(stage: .oldObjects, path: PathBytes(bytes: [0x2F, 0xFF, 0x0A, 0x09]), vault: nil, staged: nil),
    ]
    plan.checkouts = [.init(root: PathBytes("/r"), path: Array("a b\tc".utf8))]
    plan.locks = [PathBytes("/r/.git/index.lock")]
    plan.objectFiles = [PathBytes("/r/.git/objects/pack/x.pack")]
    plan.renames = [ReferenceName("refs/heads/n"): ReferenceName("refs/heads/o")]
    plan.before = [ReferenceName("HEAD"): "ref:72"]
    plan.after = [ReferenceName("HEAD"): "ref:73"]
    return plan
  }

  @Test func `A plan reads back as it was written, whatever bytes its paths have`() throws {
    #expect(try SwapPlan(bytes: plan.bytes) == plan)
  }

  @Test func `A plan that was cut off anywhere is refused`() {
    let bytes = plan.bytes
    for count in stride(from: 0, to: bytes.count - 1, by: 7) {
      #expect(throws: (any Error).self) { try SwapPlan(bytes: Array(bytes.prefix(count))) }
    }
  }
}
