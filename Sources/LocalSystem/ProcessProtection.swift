import CLinux
import Foundation

/// What keeps other programs of the same user out of this process's memory, where leaked values and keys lie while it works.
public enum ProcessProtection {
  /// No debugger attaches and no core file is written: PR_SET_DUMPABLE. Programs that we start are not touched by it.
  /// Source: prctl(2). Safe to repeat.
  public static func apply() { _ = linux_prctl(PR_SET_DUMPABLE, 0) }
}
