/// Why the object engine stopped. Paths, ids and numbers only: never content.
public struct GitObjectsError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable {
    /// Not a Git repository, or no right to read it.
    case notARepository
    /// SHA-256, a partial clone with missing objects, or another format that this engine refuses.
    case unsupported
    /// A pack, index or loose object breaks its format; nothing of it was used.
    case corrupt
    /// An object that the work needs is not there.
    case missingObject
    /// An expression (`regex:`, replacement …) that cannot be used.
    case badPattern
    /// A system call failed.
    case system
    /// The caller asked to stop.
    case cancelled
  }

  public let code: Code
  /// What failed, and where: a path, an object id, a pack offset.
  public let what: String
  public let why: String
  /// What to do, as an exact command where there is one.
  public let fix: String

  public init(_ code: Code, what: String, why: String, fix: String) {
    self.code = code
    self.what = what
    self.why = why
    self.fix = fix
  }

  public var description: String { "\(what): \(why)\n  fix: \(fix)" }

  static func corrupt(_ what: String, _ why: String) -> GitObjectsError {
    GitObjectsError(
      .corrupt, what: what, why: why, fix: "run git fsck --full; restore the file from a clone or a backup")
  }

  /// A file or directory that is there, and the system does not let us read.
  static func unreadable(_ path: String) -> GitObjectsError {
    GitObjectsError(
      .system, what: path, why: "objects in it cannot be read", fix: "run as the owner of the repository")
  }

  static let cancelled = GitObjectsError(
    .cancelled, what: "the work on Git objects", why: "it was asked to stop", fix: "run the command again")
}
