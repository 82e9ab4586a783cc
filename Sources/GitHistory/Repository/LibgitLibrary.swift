import CLibgit2
import Capabilities

/// libgit2's life and its errors. It is counted by libgit2 and never shut down here: another room uses it too.
enum LibgitLibrary {
  static func start() throws(CapabilityError) {
    guard git_libgit2_init() > 0 else {
      throw CapabilityError(
        .unsupported, "git_libgit2_init", because: "libgit2 could not start",
        fix: "apt-get install libgit2-1.5")
    }
  }

  /// The last error of this thread, for a call that returned `status`.
  static func failure(_ status: Int32, _ call: String) -> CapabilityError {
    let message = git_error_last().flatMap { $0.pointee.message }.map { String(cString: $0) }
    return CapabilityError(
      .refused, call, because: message ?? "libgit2 gave status \(status)",
      fix: "check it with: git fsck --full")
  }
}
