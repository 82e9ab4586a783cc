import Capabilities
import Foundation
import JSON
import RESTClient

extension RESTClient {
  /// GitHub's API below one repository: `https://api.github.com/repos/owner/name`.
  static func gitHub(repository base: String, token: String, in environment: AdapterEnvironment) -> RESTClient
  {
    RESTClient(
      base: base, login: Login(token),
      headers: [
        ("Accept", .text("application/vnd.github+json")), ("X-GitHub-Api-Version", .text("2022-11-28")),
      ], environment: environment,
      fix: "check the tracker's token: issues: write and metadata: read on this repository",
      exceptions: { status in
        status == 410
          ? (
            "issues are disabled in this repository",
            "enable them in its settings, or name another repository in staunch.yaml"
          ) : nil
      })
  }

  /// Whether everyone can read the repository, by what GitHub says now.
  func isPublic() async throws(CapabilityError) -> Bool {
    let repository = try await get("")
    // `internal` is readable by a whole enterprise; only a plain "private" counts as closed.
    return repository["visibility"]?.string.map { $0 != "private" }
      ?? (repository["private"]?.boolean != true)
  }

  /// The repository as GitHub describes it now, and the classic scopes of the token where GitHub names them.
  func repository() async throws(CapabilityError) -> (facts: JSONValue, scopes: [String]?) {
    let answer = try await fetch("")
    let scopes = answer.headers["x-oauth-scopes"]?.split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    return (try json(answer, "GET \(shown(""))"), scopes)
  }
}
