public import Foundation
public import Incidents
import JSON

/// Copies of the leaked values outside of Git, as the last searches of each place found them (`credential locate`).
///
/// A copy stays until a later search of its place for every leaked value does not find it any more.
public struct KeptCopies: Sendable, Hashable {
  /// One copy.
  public struct Copy: Sendable, Hashable {
    /// Absolute, on the machine that was searched; members of archives follow a `!`.
    public let path: String
    public let line: Int?
    /// What kind of file it is.
    public let kind: String
    /// Terraform's resource and attribute.
    public let resource: String?
    /// What undoes the answer to the leak if nobody looks.
    public let trap: String?
    /// What was searched when it was found.
    public let root: String
    public let found: Date

    /// One line, without its kind.
    public var text: String {
      resource.map { "\(path)  \($0)" } ?? path + (line.map { ":\($0)" } ?? "")
    }

    func isIn(_ place: String) -> Bool { KeptCopies.isIn(path, place) }
  }

  public private(set) var copies: [Copy] = []
  /// Found, too, and not kept one by one.
  public private(set) var further = 0
  private var furtherRoots: [String] = []

  public var isEmpty: Bool { copies.isEmpty && further == 0 }
  public var count: Int { copies.count + further }
  /// What to do before anything else undoes the answer to the leak.
  public var traps: [String] { Set(copies.compactMap(\.trap)).sorted() }

  /// The command that looks again where the first of them was found.
  public func again(of incident: IncidentID) -> String? {
    copies.first.map { "staunch credential locate \(ShellWord.quoted($0.root)) --incident \(incident)" }
  }

  init(in record: IncidentRecord) {
    let values = record.leakedValues.refs
    for event in record.outcomes(of: Self.action) {
      let outcome = StepOutcome(event.body)
      let covered = outcome.values ?? []
      take(outcome, at: event.at, coversAll: values.allSatisfy { covered.contains($0) })
    }
  }

  /// The action of the events that it is made from.
  public static let action = "credential.locate"

  private mutating func take(_ outcome: StepOutcome, at instant: Date, coversAll: Bool) {
    func texts(_ name: String) -> [String] { (outcome.outputs[name]?.array ?? []).compactMap(\.string) }
    let roots = texts("roots")
    let left = texts("not_searched")
    // Where it is not said what was left out, nothing is known to be gone.
    let isTold = outcome.outputs["further_not_searched"]?.integer ?? 0 == 0
    if coversAll, isTold {
      copies.removeAll { copy in
        roots.contains { copy.isIn($0) } && !left.contains { copy.isIn($0) }
      }
      if left.isEmpty, furtherRoots.allSatisfy({ root in roots.contains { Self.isIn(root, $0) } }) {
        (further, furtherRoots) = (0, [])
      }
    }
    for place in outcome.outputs["places"]?.array ?? [] {
      guard let path = place["path"]?.string else { continue }
      let resource = place["address"]?.string.map { address in
        address + (place["attribute"]?.string.map { "  \($0)" } ?? "")
      }
      let copy = Copy(
        path: path, line: place["line"]?.integer, kind: place["kind"]?.string ?? "file", resource: resource,
        trap: place["trap"]?.string,
        root: roots.first { Self.isIn(path, $0) } ?? Self.manifest(of: path), found: instant)
      copies.removeAll { $0.path == copy.path && $0.line == copy.line && $0.resource == copy.resource }
      copies.append(copy)
    }
    guard let more = outcome.outputs["further_places"]?.integer, more > 0 else { return }
    further = max(further, more)
    furtherRoots += roots
  }

  /// Of an image at a registry the manifest that holds the copy: a tag that was moved away takes it nowhere.
  private static func manifest(of path: String) -> String {
    guard path.hasPrefix("docker://") else { return path }
    return ["/blobs/", "/manifests/"].compactMap { path.range(of: $0)?.lowerBound }.min().map {
      String(path[..<$0])
    }
      ?? path
  }

  private static func isIn(_ path: String, _ place: String) -> Bool {
    // A bucket is searched by how its keys begin, a repository of images by all of its manifests.
    if place.hasPrefix("s3://") { return path.hasPrefix(place) }
    if place.hasPrefix("docker://"), path.hasPrefix(place + "@") { return true }
    return isInFile(path, place)
  }

  private static func isInFile(_ path: String, _ place: String) -> Bool {
    path == place || place == "/" || path.hasPrefix(place + "/") || path.hasPrefix(place + "!")
  }
}

extension IncidentRecord {
  /// What searches outside of Git found and no later one missed.
  public var keptCopies: KeptCopies { KeptCopies(in: self) }
}
