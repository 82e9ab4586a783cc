import Capabilities
import Foundation
import LocalSystem
import Secrets
import TestSupport
import Testing

@Suite struct LocalFileSystemTests {
  private let directory: TemporaryDirectory
  private let files = LocalFileSystem()

  init() throws { directory = try TemporaryDirectory() }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test(arguments: [0, 1, 4095, 4096, 4097, 100_000])
  func `what was written reads back`(count: Int) async throws {
    let path = directory.path("f")
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try await files.replace(path, with: Secret(SecretBytes(copying: bytes)), under: .forTests())
    #expect(try await files.read(path).exposeAsBytes() == bytes)
  }

  @Test func `who else may replace a file is told, by its mode and its directory's`() async throws {
    let path = directory.path("config")
    try "x".write(toFile: path, atomically: false, encoding: .utf8)
    for (bits, isAlone) in [(0o600, true), (0o644, true), (0o660, false), (0o602, false)] {
      try FileManager.default.setAttributes([.posixPermissions: bits], ofItemAtPath: path)
      #expect(await (files.stranger(whoMayReplace: path) == nil) == isAlone)
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: directory.path)
    #expect(await files.stranger(whoMayReplace: path) == "others may write \(directory.path)")
    try FileManager.default.setAttributes([.posixPermissions: 0o1777], ofItemAtPath: directory.path)
    #expect(await files.stranger(whoMayReplace: path) == nil)
  }

  @Test func `a new file is the owner's alone`() async throws {
    let path = directory.path("new")
    try await files.replace(path, with: Secret("x"), under: .forTests())
    #expect(try mode(path) == 0o600)
  }

  @Test(arguments: [0o600, 0o640, 0o644, 0o400])
  func `mode and inode's place are kept, and nothing else is left behind`(bits: Int) async throws {
    let path = directory.path("kept")
    try "old".write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: bits], ofItemAtPath: path)
    try await files.replace(path, with: Secret("new"), under: .forTests())
    #expect(try mode(path) == bits)
    #expect(try await files.read(path).exposeAsText() == "new")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["kept"])
  }

  @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
  func `the owner is kept`() async throws {
    let path = directory.path("owned")
    try "old".write(toFile: path, atomically: false, encoding: .utf8)
    #expect(chown(path, 65534, 65534) == 0)
    try await files.replace(path, with: Secret("new"), under: .forTests())
    let owner = try FileManager.default.attributesOfItem(atPath: path)[.ownerAccountID] as? Int
    #expect(owner == 65534)
  }

  @Test func `somebody who has the file open still sees the old contents whole`() async throws {
    let path = directory.path("open")
    try "old contents".write(toFile: path, atomically: false, encoding: .utf8)
    let reader = try #require(FileHandle(forReadingAtPath: path))
    try await files.replace(path, with: Secret("new"), under: .forTests())
    #expect(try reader.readToEnd() == Data("old contents".utf8))
  }

  @Test func `a link stays a link and its target is replaced`() async throws {
    let target = directory.path("target")
    let link = directory.path("link")
    try "old".write(toFile: target, atomically: false, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    try await files.replace(link, with: Secret("new"), under: .forTests())
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "new")
  }

  @Test func `a full disk leaves the old file as it was`() async throws {
    // /dev/full accepts no byte; as a stand-in for the temporary file it is out of reach, so a tiny file system is used.
    let mount = directory.path("tiny")
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: false)
    let script = """
      mount -t tmpfs -o size=16k tmpfs "$1" || { echo "ready no"; exit 0; }
      printf old >"$1/f"
      echo "ready yes"
      cat >/dev/null
      umount "$1"
      """
    let holder = try SupervisedServer(script, arguments: [mount])
    defer { holder.stop() }
    try #require(geteuid() != 0 || holder.announcement == "yes" || holder.announcement == "no")
    guard holder.announcement == "yes" else { return }  // mounting is not allowed here
    let error = await #expect(throws: CapabilityError.self) {
      try await files.replace(
        mount + "/f", with: Secret(SecretBytes(copying: [UInt8](repeating: 1, count: 1 << 20))),
        under: .forTests())
    }
    #expect(error?.class == .serverError)
    #expect(error?.fix != nil)
    #expect(try String(contentsOfFile: mount + "/f", encoding: .utf8) == "old")
    #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == ["f"])
  }

  @Test func `what is not there, is no file or is too large is refused by name`() async throws {
    let missing = await #expect(throws: CapabilityError.self) { try await files.read(directory.path("no")) }
    #expect(missing?.class == .notFound)
    #expect(missing?.operation.contains("/no") == true)
    let folder = await #expect(throws: CapabilityError.self) {
      try await files.replace(directory.path, with: Secret("x"), under: .forTests())
    }
    #expect(folder?.class == .configuration)
    try "12345".write(toFile: directory.path("large"), atomically: false, encoding: .utf8)
    let large = await #expect(throws: CapabilityError.self) {
      try await LocalFileSystem(largest: 4).read(directory.path("large"))
    }
    #expect(large?.class == .invalid)
  }

  @Test func `existence is told`() async throws {
    #expect(await files.exists(directory.path))
    #expect(await !files.exists(directory.path("no")))
  }

  @Test func `what nobody can look at is not called absent, and reading it says why`() async throws {
    let path = directory.path(String(repeating: "n", count: 300))
    #expect(await files.exists(path))
    let error = await #expect(throws: CapabilityError.self) { try await files.read(path) }
    #expect(error?.because.contains("too long") == true)
  }

  @Test func `a file is replaced only while it is what was read`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("a")
    let files = LocalFileSystem()
    try await files.replace(path, with: Secret("1"), expecting: nil, under: .forTests())
    for expected in [nil, Secret("0")] {
      let error = await #expect(throws: CapabilityError.self) {
        try await files.replace(path, with: Secret("2"), expecting: expected, under: .forTests())
      }
      #expect(error?.class == .conflict)
      #expect(try await files.read(path).exposeAsText() == "1")
    }
    try await files.replace(path, with: Secret("2"), expecting: Secret("1"), under: .forTests())
    #expect(try await files.read(path).exposeAsText() == "2")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a"])
  }
}
