import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// Every place of the leak matrix: found by the scan, then gone, or reported with a fix.
@Suite struct LeakMatrixTests {
  @Test(arguments: LeakPlace.allCases)
  func `Wherever the secret stands, it is found, then gone or reported`(place: LeakPlace) async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("README", "hello\n")
    try git.commit("one")
    try git.write("README", "hello again\n")
    try git.commit("two")
    try place.plant(in: git)
    #expect(try found(place.needles, below: directory.path, git) != [], "the test must plant something")
    let purge = Purge(git.path, secrets: LeakPlace.secrets)
    let scan = try await purge.scan()
    #expect(!scan.isClean)
    #expect(scan.places.allSatisfy { place in !LeakPlace.secrets.contains { "\(place)".contains($0) } })
    let result = try await purge.rewrite()
    let left = try found(place.needles, below: directory.path, git)
    if place.isReported {
      #expect(!left.isEmpty)
      let residual = result.residual.filter { !$0.place.hasPrefix("undo vault") }
      #expect(!residual.isEmpty && residual.allSatisfy { !$0.fix.isEmpty })
      #expect(!LeakPlace.secrets.contains { "\(residual)".contains($0) })
    } else {
      #expect(left == [])
      #expect(result.residual.filter { !$0.place.hasPrefix("undo vault") } == [])
      #expect(try await purge.scan().isClean)
    }
    #expect(try git.run(["fsck", "--full"]).status == 0)
    #expect(try await purge.freshClone().isClean)
  }

  /// Names of files (and of objects, read by Git itself) that hold one of the needles.
  private func found(_ needles: [[UInt8]], below root: String, _ git: Git) throws -> [String] {
    var places: [String] = []
    let objects = Array(try git(["cat-file", "--batch-all-objects", "--batch"]).utf8)
    if needles.contains(where: { objects.firstRange(of: $0) != nil }) { places.append("objects") }
    guard let walker = FileManager.default.enumerator(atPath: root) else { return places }
    while let name = walker.nextObject() as? String {
      if name.contains(".git/objects/") || name.contains(".git/staunch/") { continue }
      if needles.contains(where: { Array(name.utf8).firstRange(of: $0) != nil }) {
        places.append("name of a file")
      }
      let path = root + "/" + name
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      switch attributes[.type] as? FileAttributeType {
      case .typeRegular:
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        if needles.contains(where: { bytes.firstRange(of: $0) != nil }) { places.append(name) }
      case .typeSymbolicLink:
        let target = Array(try FileManager.default.destinationOfSymbolicLink(atPath: path).utf8)
        if needles.contains(where: { target.firstRange(of: $0) != nil }) { places.append(name) }
      default: continue
      }
    }
    return places
  }
}
