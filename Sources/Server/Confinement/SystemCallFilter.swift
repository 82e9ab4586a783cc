import CLinux
import Foundation

/// System calls that the endpoint never makes and that whoever takes it over would: refused with EPERM in every thread.
///
/// A list of what is refused, not of what is allowed: it stands behind Landlock, and libraries may begin to use new calls.
/// Source: seccomp(2); numbers: the kernel's tables of x86-64 and arm64.
enum SystemCallFilter {
  #if arch(x86_64)
    private static let architecture: UInt32 = 0xC000_003E
    private static let refused: [UInt32] = [
      59, 322,  // execve, execveat
      101, 310, 311, 438,  // ptrace, process_vm_readv, process_vm_writev, pidfd_getfd
      165, 166, 155, 161, 428, 429, 430, 431, 432, 442,  // mount, umount2, pivot_root, chroot …
      272, 308, 304, 303,  // unshare, setns, open_by_handle_at, name_to_handle_at
      321, 298, 323, 248, 249, 250,  // bpf, perf_event_open, userfaultfd, add_key, request_key, keyctl
      175, 313, 176, 246, 320,  // init_module, finit_module, delete_module, kexec_load, kexec_file_load
      425, 426, 427,  // io_uring
    ]
  #elseif arch(arm64)
    private static let architecture: UInt32 = 0xC000_00B7
    private static let refused: [UInt32] = [
      221, 281, 117, 270, 271, 438, 40, 39, 41, 51, 428, 429, 430, 431, 432, 442, 97, 268, 265, 264, 280, 241,
      282,
      217, 218, 219, 105, 273, 106, 104, 294, 425, 426, 427,
    ]
  #else
    private static let architecture: UInt32 = 0
    private static let refused: [UInt32] = []
  #endif

  private static let load: UInt16 = 0x20  // BPF_LD | BPF_W | BPF_ABS
  private static let equal: UInt16 = 0x15  // BPF_JMP | BPF_JEQ | BPF_K
  private static let atLeast: UInt16 = 0x35  // BPF_JMP | BPF_JGE | BPF_K
  private static let answer: UInt16 = 0x06  // BPF_RET | BPF_K
  private static let allow: UInt32 = 0x7FFF_0000
  private static let refuse: UInt32 = 0x0005_0001  // SECCOMP_RET_ERRNO with EPERM
  private static let kill: UInt32 = 0x8000_0000

  /// - Returns: false when the kernel has it not, or this architecture has no table.
  static func apply() -> Bool {
    guard !refused.isEmpty else { return false }
    var filter = [
      linux_filter(code: load, jt: 0, jf: 0, k: 4),  // the architecture
      linux_filter(code: equal, jt: 1, jf: 0, k: architecture),
      linux_filter(code: answer, jt: 0, jf: 0, k: kill),
      linux_filter(code: load, jt: 0, jf: 0, k: 0),  // the call's number
    ]
    #if arch(x86_64)
      // x32's calls have this bit, and other numbers.
      filter += [
        linux_filter(code: atLeast, jt: 0, jf: 1, k: 0x4000_0000),
        linux_filter(code: answer, jt: 0, jf: 0, k: refuse),
      ]
    #endif
    for number in refused {
      filter += [
        linux_filter(code: equal, jt: 0, jf: 1, k: number),
        linux_filter(code: answer, jt: 0, jf: 0, k: refuse),
      ]
    }
    filter.append(linux_filter(code: answer, jt: 0, jf: 0, k: allow))
    return filter.withUnsafeBufferPointer { buffer in
      var program = linux_program(count: UInt16(buffer.count), filter: buffer.baseAddress)
      return linux_seccomp_filter(&program, 1) == 0  // SECCOMP_FILTER_FLAG_TSYNC: every thread
    }
  }
}
