import Capabilities
import Foundation
import Secrets

@testable import GitHistory

/// Lays any bytes down as what a rewrite keeps under `.git/staunch`, as somebody could who prepared the repository, and
/// reads them without the seal that would refuse them first. Each is read or refused; a plan that passes names no path
/// outside of the repository, and comes back the same when it is written.
///
/// The first byte chooses the file (p plan, m map, r result, s state, e remotes, c configuration), the rest is its text.
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
struct FuzzTarget: Sendable {
  struct Fault: Error, CustomStringConvertible { let description: String }

  private let repository: String
  private static let id = "0123456789abcdef"

  init(directory: String) throws {
    repository = directory + "/r"
    for name in ["objects/pack", "refs/heads", "staunch/history/\(Self.id)/maps"] {
      try FileManager.default.createDirectory(
        atPath: repository + "/.git/" + name, withIntermediateDirectories: true)
    }
    try write("HEAD", Array("ref: refs/heads/main\n".utf8))
    try FuzzTarget.plain.write(
      toFile: repository + "/.git/config", atomically: false, encoding: .utf8)
  }

  private static let plain = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: repository + "/.git/" + name))
  }

  func exercise(_ bytes: [UInt8]) throws {
    guard let choice = bytes.first else { return }
    let text = Array(bytes.dropFirst())
    do {
      switch choice {
      case UInt8(ascii: "m"): try maps(text)
      case UInt8(ascii: "r"): try read("result.json", text) { _ = try StoredRewrite.read($0) }
      case UInt8(ascii: "s"): try read("state", text) { _ = try $0.state }
      case UInt8(ascii: "e"): try read("maps/remotes", text) { _ = try RemoteRecord.read($0) }
      case UInt8(ascii: "c"): try configuration(text)
      default: try plan(text)
      }
    } catch is CapabilityError {
      return  // refused
    }
  }

  private func read(_ name: String, _ bytes: [UInt8], _ body: (RewriteDirectory) throws -> Void) throws {
    try write("staunch/history/\(Self.id)/\(name)", bytes)
    let layout = try RepositoryLayout(path: repository)
    let found = try RewriteDirectory.all(in: layout)
    guard found.map(\.id) == [Self.id], let directory = found.first else {
      throw Fault(description: "the rewrite is not found")
    }
    try body(directory)
  }

  private func maps(_ bytes: [UInt8]) throws {
    for name in ["blob-map", "dropped-objects"] {
      try write("staunch/history/\(Self.id)/maps/\(name)", bytes)
    }
    try read("maps/commit-map", bytes) { directory in _ = try RemovedObjects(directory: directory.maps) }
  }

  private func plan(_ bytes: [UInt8]) throws {
    let layout = try RepositoryLayout(path: repository)
    let bases = PlanBases(layout)
    let plan = try SwapPlan(bytes: bytes, bases)
    let again = try SwapPlan(bytes: plan.bytes(bases), bases)
    guard again == plan else { throw Fault(description: "a plan comes back changed") }
    try OwnFiles(layout: layout).check(plan)
    let root = try DurableFiles.canonical(PathBytes(repository))
    for path in plan.files.map(\.path) + plan.files.compactMap(\.staged) + plan.locks {
      guard let inside = path.relative(to: root),
        !inside.bytes.contains(0),
        !inside.bytes.split(separator: 0x2F).contains(where: { $0.elementsEqual("..".utf8) })
      else { throw Fault(description: "a plan leads to \(path.text)") }
    }
  }

  /// Git's own settings decide where the work tree is.
  private func configuration(_ bytes: [UInt8]) throws {
    try write("config", bytes)
    defer {
      do { try write("config", Array(FuzzTarget.plain.utf8)) } catch { fatalError("\(error)") }
    }
    _ = try RepositoryLayout(path: repository)
  }
}
