import Foundation
import JSON
import TestSupport
import Testing

@testable import Server

/// schemathesis (PyPI) makes up calls of the JSON API from its document, good ones and bad ones, and judges the answers: status,
/// type, shape, headers, what is accepted that must not be, and what is refused that must not be.
@Suite(.timeLimit(.minutes(5))) struct SchemathesisTests {
  private static let script = """
    command -v schemathesis >/dev/null || {
      echo "no schemathesis on PATH; fix: make test TESTS=TARGET, which installs it in .build/test-tools" >&2; exit 1; }
    exec schemathesis run "$1/openapi.json" --url "$1" --checks all --max-examples 20 --seed 4711 --no-color \\
      --suppress-health-check all --exclude-operation-id endSession -H "Authorization: Bearer $STAUNCH_TOKEN" >&2
    """

  /// Signing out is left out: it would end the session of all other calls.
  @Test func `schemathesis finds nothing`() async throws {
    try await RunningConsole.with { console in
      let api = console.address + "/api/v1"
      let body: JSONValue = ["name": "maria", "password": .string(ConsoleCaller.password)]
      let answer = try await Program.run(
        ["curl", "-sS", "--fail", "--json", body.canonicalText, api + "/session"], in: "/")
      let token = try #require(try JSONValue(parsing: answer)["token"]?.string)
      // Findings stand in the error that a failed program throws.
      _ = try await Program.run(
        ["bash", "-c", Self.script, "schemathesis", api], in: "/tmp", environment: ["STAUNCH_TOKEN": token])
    }
  }
}
