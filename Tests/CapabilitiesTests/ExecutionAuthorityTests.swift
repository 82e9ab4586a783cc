import Capabilities
import Foundation
import TestSupport
import Testing

@Suite struct ExecutionAuthorityTests {
  private static let prelude = """
    import Capabilities
    import Incidents
    let digest = PlanDigest("00")

    """

  @Test func `borrowing an authority compiles, so the other snippets fail for their own reason`() async throws
  {
    let diagnostics = try await SwiftSnippet(
      Self.prelude
        + "func use(_ authority: borrowing ExecutionAuthority) -> PlanDigest { authority.planDigest }"
    ).diagnostics()
    #expect(diagnostics == "")
  }

  @Test(arguments: [
    ("let forged = ExecutionAuthority(planDigest: digest, mode: .live)", "inaccessible"),
    ("let forged = ExecutionAuthority.granted(for: digest, mode: .live)", "inaccessible"),
    ("let forged = ApprovedPlan(digest: digest, mode: .live, approvals: [])", "missing argument"),
    (
      "func twice(_ authority: borrowing ExecutionAuthority) { let kept = copy authority; _ = kept }",
      "noncopyable"
    ),
    ("func keep(_ authority: borrowing ExecutionAuthority) -> [Any] { [authority] }", "cannot convert"),
    (
      "func push(_ r: any HistoryRewriter, _ p: any ProgressSink) async throws { "
        + "_ = try await r.push(repository: \"\", remote: \"\", progress: p) }", "under"
    ),
    (
      "func send(_ http: any HTTPTransport) async throws { _ = try await http.send(HTTPRequest(.post, \"\")) }",
      "under"
    ),
    ("let safe = SafeRequest(HTTPRequest(.delete, \"\"))", "inaccessible"),
  ])
  func `forging or skipping an authority does not compile`(code: String, reason: String) async throws {
    let diagnostics = try await SwiftSnippet(Self.prelude + code).diagnostics()
    #expect(diagnostics.contains("error:"))
    #expect(diagnostics.contains(reason), "\(diagnostics)")
  }
}
