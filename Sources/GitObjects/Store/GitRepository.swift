import CLibgit2

/// A repository as libgit2 sees it: where it lies, its configuration and its references.
///
/// One instance is used by one thread at a time (libgit2's rule for `git_repository`), so it is not `Sendable`.
public final class GitRepository {
  /// A reference and what it points to.
  public struct Reference: Sendable, Hashable {
    public enum Target: Sendable, Hashable {
      case object(ObjectID)
      case symbolic(String)
    }
    public let name: String
    public let target: Target
  }

  private let handle: OpaquePointer

  /// Opens the repository whose work tree, `.git` or bare directory is `path`, without searching upwards.
  /// - Parameter ownerIsChecked: somebody asked Git itself whether it trusts a repository of another user.
  /// - Throws: `.notARepository`; `.unsupported` for SHA-256, reftable and other formats that libgit2 1.5 refuses.
  public init(path: String, ownerIsChecked: Bool = false) throws(GitObjectsError) {
    git_libgit2_init()
    // One setting of the whole library: this program opens no repository without having asked Git before.
    if ownerIsChecked { _ = clibgit2_set_owner_validation(0) }
    var opened: OpaquePointer?
    let status = git_repository_open_ext(&opened, path, UInt32(GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue), nil)
    guard status == 0, let repository = opened else {
      let error = GitRepository.refusal(of: path)
      git_libgit2_shutdown()
      throw error
    }
    handle = repository
  }

  deinit {
    git_repository_free(handle)
    git_libgit2_shutdown()
  }

  /// `.git`, the bare directory, or a linked worktree's own directory; without a trailing slash.
  public var gitDirectory: String { GitRepository.path(git_repository_path(handle)) }

  /// The directory shared by all worktrees: objects, refs, config.
  public var commonDirectory: String { GitRepository.path(git_repository_commondir(handle)) }

  /// Every reference under `refs/`, loose and packed, in byte order of names.
  /// - Throws: `.corrupt` when the reference database cannot be read.
  public func references() throws(GitObjectsError) -> [Reference] {
    var iterator: OpaquePointer?
    guard git_reference_iterator_new(&iterator, handle) == 0, let iterator else {
      throw GitRepository.lastError("the references of \(gitDirectory)")
    }
    defer { git_reference_iterator_free(iterator) }
    var result: [Reference] = []
    var next: OpaquePointer?
    while true {
      let status = git_reference_next(&next, iterator)
      if status == GIT_ITEROVER.rawValue { break }
      guard status == 0, let reference = next else {
        throw GitRepository.lastError("the references of \(gitDirectory)")
      }
      defer { git_reference_free(reference) }
      if let value = GitRepository.value(of: reference) { result.append(value) }
    }
    return result.sorted { $0.name < $1.name }
  }

  private static func value(of reference: OpaquePointer) -> Reference? {
    let name = String(cString: git_reference_name(reference))
    if git_reference_type(reference) == GIT_REFERENCE_SYMBOLIC {
      return git_reference_symbolic_target(reference).map {
        Reference(name: name, target: .symbolic(String(cString: $0)))
      }
    }
    return git_reference_target(reference).map { id in
      Reference(name: name, target: .object(ObjectID(at: UnsafeRawPointer(id))))
    }
  }

  private static func path(_ text: UnsafePointer<CChar>?) -> String {
    guard let text else { return "" }
    let path = String(cString: text)
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  private static func lastError(_ what: String) -> GitObjectsError {
    let why = git_error_last()?.pointee.message.map { String(cString: $0) } ?? "libgit2 gave no reason"
    return .corrupt(what, why)
  }

  /// libgit2's reason in our words: its own messages name the setting but not what to do.
  private static func refusal(of path: String) -> GitObjectsError {
    let reason = git_error_last()?.pointee.message.map { String(cString: $0) } ?? "libgit2 gave no reason"
    let known: [(sign: String, fix: String)] = [
      ("objectformat", "only SHA-1 repositories are handled; convert a clone with git fast-export"),
      ("partialclone", "use a full clone: git clone --mirror <url>"),
      ("worktreeconfig", "use a mirror clone: git clone --mirror \(path)"),
      ("not owned", "git config --global --add safe.directory \(path)"),
      ("unsupported", "use a fresh mirror clone: git clone --mirror \(path)"),
    ]
    for (sign, fix) in known where reason.lowercased().contains(sign) {
      return GitObjectsError(.unsupported, what: path, why: reason, fix: fix)
    }
    return GitObjectsError(
      .notARepository, what: path, why: reason,
      fix: "name the directory that holds .git, or a bare repository")
  }
}
