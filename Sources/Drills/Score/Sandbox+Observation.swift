import Foundation
import JSON
import Secrets
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

extension Sandbox {
  /// Looks at everything. Changes nothing in the sandbox; makes a fresh clone below the drill's directory and removes it.
  public func observe() async throws(DrillError) -> SandboxObservation {
    var accepted: [String] = []
    var sessions: [Bool] = []
    for leak in world.leaks {
      if await leak.isAccepted() { accepted.append(leak.kind) }
      if let isOpen = leak.isSessionOpen { sessions.append(await isOpen()) }
    }
    return SandboxObservation(
      acceptedLeaks: accepted, brokenReplacements: await world.brokenReplacements(),
      isConsumerHealthy: await world.failingPrograms().isEmpty,
      isOldSessionOpen: sessions.isEmpty ? nil : sessions.contains(true),
      isUnrelatedKeyAccepted: await world.bystanders.areAccepted(),
      replacementKeys: world.replacementKeys,
      copies: try await copies(), tickets: ticketTypes, stragglers: world.stragglers)
  }

  /// Message types by incident.
  var ticketTypes: [String: [String]] {
    var types = issues.types
    for message in tickets.messages {
      // A body that is no JSON has no incident; it counts under "".
      let json = try? JSONValue(parsing: message.body)
      let incident = json?["data"].flatMap(Self.incident) ?? ""
      types[incident, default: []].append(message.type)
    }
    return types
  }

  /// The incident's id in a message's data: the id itself, or an object that has it.
  private static func incident(in data: JSONValue) -> String? {
    data["incident"]?.string ?? data["incident"]?["id"]?.string ?? data["incident_id"]?.string
  }

  /// Objects with a decoy in any form.
  private func copies() async throws(DrillError) -> [String: Int] {
    let clone = directory + "/fresh-clone"
    try await GitCommand(directory: directory)("clone", "-q", "--mirror", "--no-local", remote, clone)
    let counts = [
      "local": try await objectsWithDecoys(repository), "remote": try await objectsWithDecoys(remote),
      "fresh clone": try await objectsWithDecoys(clone),
    ]
    try files.folder.remove("fresh-clone")
    return counts.filter { $0.value > 0 }
  }

  /// Every object that is reachable, and every ref's name; unreachable ones count in the local clone only, because a
  /// remote's clean-up is its host's business.
  private func objectsWithDecoys(_ path: String) async throws(DrillError) -> Int {
    let redactor = Redactor()
    for value in leaked { redactor.register(Secret(value)) }
    let git = GitCommand(directory: path)
    let isClone = path == repository
    let listing =
      isClone
      ? try await git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
      : try await git("rev-list", "--objects", "--no-object-names", "--all")
    let names = Set(listing.split(separator: "\n").map(String.init)).sorted()
    return try await git.objects(names).count { redactor.finds(in: $0) }
  }
}

extension GitCommand {
  /// The contents of objects, in one `git cat-file --batch`.
  func objects(_ names: [String]) async throws(DrillError) -> [[UInt8]] {
    let failure = DrillError(
      .sandbox, "git cat-file --batch", because: "the objects cannot be read in \(directory)")
    let bytes: [UInt8]
    do {
      bytes = try await Subprocess.run(
        .name("git"), arguments: ["cat-file", "--batch"], environment: .inherit,
        workingDirectory: FilePath(directory), input: .string(names.map { $0 + "\n" }.joined()),
        output: .bytes(limit: 256 << 20), error: .discarded
      ).standardOutput
    } catch {
      throw failure
    }
    // Each: "<name> <type> <size>", a line break, the contents, a line break.
    var objects: [[UInt8]] = []
    var position = bytes.startIndex
    while position < bytes.endIndex {
      guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")),
        let size = String(decoding: bytes[position..<end], as: UTF8.self).split(separator: " ").last
          .flatMap({ Int($0) }), bytes.endIndex - end > size + 1
      else { throw failure }
      objects.append(Array(bytes[(end + 1)..<(end + 1 + size)]))
      position = end + size + 2
    }
    return objects
  }
}
