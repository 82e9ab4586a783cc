import Capabilities
import Foundation
import LocalSystem
import Secrets
import TestSupport
import Testing

/// A checkout that an attacker has committed to, and a report that names paths in it.
@Suite struct CheckoutDirectoryTests {
  private let directory: TemporaryDirectory
  private let checkout: String

  init() throws {
    directory = try TemporaryDirectory()
    checkout = directory.path("checkout")
    try FileManager.default.createDirectory(atPath: checkout + "/src", withIntermediateDirectories: true)
    try "of the repository".write(toFile: checkout + "/src/app.env", atomically: false, encoding: .utf8)
    try "of somebody else".write(toFile: directory.path("other.env"), atomically: false, encoding: .utf8)
    #expect(symlink("../other.env", checkout + "/link.env") == 0)
    #expect(symlink(directory.path("other.env"), checkout + "/absolute.env") == 0)
    #expect(symlink("..", checkout + "/up") == 0)
    #expect(symlink("src/app.env", checkout + "/inside.env") == 0)
    #expect(mkfifo(checkout + "/pipe", 0o600) == 0)
  }

  @Test func `a file of the checkout is read`() throws {
    #expect(
      try CheckoutDirectory(checkout).contents(of: "src/app.env")?.exposeAsText() == "of the repository")
  }

  @Test(arguments: [
    "link.env", "absolute.env", "up/other.env", "inside.env", "../other.env", "src/../../other.env", "pipe",
    "src",
    "missing", "/etc/hostname", "/proc/self/environ", "",
  ])
  func `a committed link, a way out or what is no file reads nothing`(_ name: String) throws {
    #expect(try CheckoutDirectory(checkout).contents(of: name) == nil)
  }

  @Test func `a file beyond the limit is refused, not read in part`() throws {
    let error = #expect(throws: CapabilityError.self) {
      try CheckoutDirectory(checkout).contents(of: "src/app.env", largest: 4)
    }
    #expect(error?.class == .invalid)
  }
}
