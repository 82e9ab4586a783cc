import Capabilities
import Secrets

/// Where each remote led when a repository was rewritten: `remotes` beside the maps. A push goes nowhere else.
enum RemoteRecord {
  /// Addresses without user, by name.
  static func read(_ directory: RewriteDirectory) throws(CapabilityError) -> [String: String] {
    guard let bytes = try DurableFiles.readIfPresent(directory.maps / "remotes") else { return [:] }
    var found: [String: String] = [:]
    for line in bytes.split(separator: 0x0A) {
      let fields = line.split(separator: 0x09, maxSplits: 1, omittingEmptySubsequences: false)
      guard fields.count == 2, let name = Hex.bytes(Substring(decoding: fields[0], as: UTF8.self)) else {
        throw CapabilityError(
          .invalid, "read \((directory.maps / "remotes").text)",
          because: "the file was changed by another program",
          fix: "remove it when you know that the remotes lead where they did")
      }
      found[String(decoding: name, as: UTF8.self)] = String(decoding: fields[1], as: UTF8.self)
    }
    return found
  }

  /// Writes what `git` says now. Addresses may hold a secret that is being removed: those are left out.
  static func write(
    to directory: RewriteDirectory, layout: RepositoryLayout, git: GitProgram,
    isShown: (String) throws(CapabilityError) -> Bool
  ) async throws(CapabilityError) {
    let outcome = try await git.run(["remote"], of: layout)
    guard outcome.status == 0 else {
      throw PushFailure.error(of: outcome, remote: "", operation: "git remote")
    }
    var text = ""
    for line in outcome.output.split(separator: 0x0A) {
      let name = String(decoding: line, as: UTF8.self)
      do throws(CapabilityError) {
        let target = try await RemoteTarget(name, layout: layout, git: git)
        if try isShown(target.shown) { text += "\(Hex.text(Array(name.utf8)))\t\(target.shown)\n" }
      } catch  where [.configuration, .unsafe, .notFound].contains(error.class) {
        // It pushes to several addresses, leads into this repository or nowhere: refused when it is pushed to.
        continue
      }
    }
    try DurableFiles.write(Array(text.utf8), to: directory.maps / "remotes")
  }
}
