import Foundation
import TestSupport
import Testing

/// A libcrypto whose openssl.cnf switches algorithms off is said at the start, not by a trap in the middle of a run. The real
/// binaries.
@Suite struct LibcryptoTests {
  @Test(arguments: [
    // Only the provider that reads and writes keys.
    "openssl_conf = init\n[init]\nproviders = providers\n[providers]\nbase = base\n[base]\nactivate = 1\n",
    // Only what FIPS allows, without the provider that has it.
    "openssl_conf = init\n[init]\nalg_section = algorithms\n[algorithms]\ndefault_properties = fips=yes\n",
  ])
  func `what libcrypto lacks is said before anything begins`(configuration: String) async throws {
    let (directory, binary) = try StaunchBinary.world()
    try configuration.write(toFile: directory.path("openssl.cnf"), atomically: true, encoding: .utf8)
    let broken = ["OPENSSL_CONF": directory.path("openssl.cnf")]
    for command in [[], ["journal", "key"], ["work", "--once"]] {
      let outcome = try await binary.run(command, environment: broken)
      #expect(outcome.status == 69, "\(command): \(outcome.errors)")
      #expect(outcome.errors.contains("libcrypto does not give SHA-256, "), "\(outcome.errors)")
      #expect(outcome.errors.contains("export OPENSSL_CONF=/dev/null"), "\(outcome.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: directory.path("state")), "it began")
    // The advice works.
    let advised = try await binary.run(["journal", "key"], environment: ["OPENSSL_CONF": "/dev/null"])
    #expect(advised.status == 0, "\(advised.errors)")
  }

  @Test func `the endpoint says it, too`() async throws {
    let directory = try TemporaryDirectory()
    try "openssl_conf = init\n[init]\nproviders = providers\n[providers]\nbase = base\n[base]\nactivate = 1\n"
      .write(toFile: directory.path("openssl.cnf"), atomically: true, encoding: .utf8)
    let receiver = try StaunchBinary.products + "/staunch-receiver"
    let said = try await Program.run(
      ["sh", "-c", "\"$0\" --settings receiver.json 2>&1; echo \"exit $?\"", receiver], in: directory.path,
      environment: ["OPENSSL_CONF": directory.path("openssl.cnf"), "PATH": "/usr/bin:/bin"])
    #expect(said.contains("libcrypto does not give SHA-256, "), "\(said)")
    #expect(said.contains("exit 78"), "\(said)")
  }
}
