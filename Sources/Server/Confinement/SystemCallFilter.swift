import CLinux
import Foundation

/// System calls that the endpoint never makes and that whoever takes it over would: refused with EPERM in every thread.
///
/// A list of what is refused, not of what is allowed: it stands behind Landlock, and libraries may begin to use new calls.
/// Source: seccomp(2); numbers: the kernel's tables of x86-64 and arm64.
enum SystemCallFilter {
  struct Call {
    let name: String
    let x86: UInt32
    let arm: UInt32
  }

  /// docs/SECURITY-MODEL.md has the same list.
  static let calls = [
    Call(name: "execve", x86: 59, arm: 221),
    Call(name: "execveat", x86: 322, arm: 281),
    Call(name: "ptrace", x86: 101, arm: 117),
    Call(name: "process_vm_readv", x86: 310, arm: 270),
    Call(name: "process_vm_writev", x86: 311, arm: 271),
    Call(name: "pidfd_getfd", x86: 438, arm: 438),
    Call(name: "mount", x86: 165, arm: 40),
    Call(name: "umount2", x86: 166, arm: 39),
    Call(name: "pivot_root", x86: 155, arm: 41),
    Call(name: "chroot", x86: 161, arm: 51),
    Call(name: "open_tree", x86: 428, arm: 428),
    Call(name: "move_mount", x86: 429, arm: 429),
    Call(name: "fsopen", x86: 430, arm: 430),
    Call(name: "fsconfig", x86: 431, arm: 431),
    Call(name: "fsmount", x86: 432, arm: 432),
    Call(name: "fspick", x86: 433, arm: 433),
    Call(name: "mount_setattr", x86: 442, arm: 442),
    Call(name: "unshare", x86: 272, arm: 97),
    Call(name: "setns", x86: 308, arm: 268),
    Call(name: "open_by_handle_at", x86: 304, arm: 265),
    Call(name: "name_to_handle_at", x86: 303, arm: 264),
    Call(name: "bpf", x86: 321, arm: 280),
    Call(name: "perf_event_open", x86: 298, arm: 241),
    Call(name: "userfaultfd", x86: 323, arm: 282),
    Call(name: "add_key", x86: 248, arm: 217),
    Call(name: "request_key", x86: 249, arm: 218),
    Call(name: "keyctl", x86: 250, arm: 219),
    Call(name: "init_module", x86: 175, arm: 105),
    Call(name: "finit_module", x86: 313, arm: 273),
    Call(name: "delete_module", x86: 176, arm: 106),
    Call(name: "kexec_load", x86: 246, arm: 104),
    Call(name: "kexec_file_load", x86: 320, arm: 294),
    Call(name: "io_uring_setup", x86: 425, arm: 425),
    Call(name: "io_uring_enter", x86: 426, arm: 426),
    Call(name: "io_uring_register", x86: 427, arm: 427),
  ]

  #if arch(x86_64)
    private static let architecture: UInt32 = 0xC000_003E
    private static let refused = calls.map(\.x86)
  #elseif arch(arm64)
    private static let architecture: UInt32 = 0xC000_00B7
    private static let refused = calls.map(\.arm)
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
