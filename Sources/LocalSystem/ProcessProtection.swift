import CLinux
import Foundation

/// What keeps other programs of the same user out of this process's memory, where leaked values and keys lie while it works.
public enum ProcessProtection {
  /// No debugger attaches and no core file is written: PR_SET_DUMPABLE, and a limit of 0 for core files.
  ///
  /// Programs that we start may be looked at again, and inherit the limit; they may raise it. Source: prctl(2), setrlimit(2).
  /// Safe to repeat.
  public static func apply() {
    _ = linux_prctl(PR_SET_DUMPABLE, 0)
    let core = __rlimit_resource_t(RLIMIT_CORE.rawValue)
    var limit = rlimit()
    guard getrlimit(core, &limit) == 0 else { return }
    limit.rlim_cur = 0
    setrlimit(core, &limit)
  }
}
