import Foundation
import TestSupport
import Testing

@testable import GitHistory

@Suite struct PackedReferencesTests {
  @Test func `What git packed reads back to the same bytes`() throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.commit()
    try git("tag", "-a", "-m", "one", "v1")
    try git("tag", "-a", "-m", "two", "v2", "v1")
    try git("branch", "other/one")
    try git("pack-refs", "--all")
    let bytes = try git.read(".git/packed-refs")
    let packed = PackedReferences(bytes: bytes)
    #expect(packed.entries.count == 4)
    #expect(packed.bytes == bytes)
  }
}
