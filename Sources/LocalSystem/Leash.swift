public import Capabilities
import Foundation
import Synchronization

/// Ends our children when this process is killed: a small shell waits on a socket that only this process holds open.
///
/// A child that outlived `kill -9` would carry out its change after everybody had looked. The kernel's own signal for this
/// (prctl(2), PR_SET_PDEATHSIG) is bound to the thread that started the child, and our threads come and go.
public final class Leash: ChildLeash {
  public static let shared = Leash()

  /// Our end; -1 where no shell could be started: then children are only ended by deadlines.
  private let socket: Int32

  /// What every child has in its environment: so one that was started in the very instant of our death is found, too.
  public let mark = (name: "STAUNCH_LEASH", value: "\(getpid())-\(UInt64.random(in: .min ... .max))")

  /// `+ID` and `-ID` a line; at the end of the file every process of the sessions that are left is killed, and after them
  /// whoever carries the mark: a process between fork and exec carries it a moment later.
  private static let script = """
    held=
    while read -r line; do
      case $line in
      +*) held="$held ${line#+}" ;;
      -*) left=
        for id in $held; do [ "$id" = "${line#-}" ] || left="$left $id"; done
        held=$left ;;
      esac
    done
    for id in $held; do kill -KILL -- "-$id" "$id" 2>/dev/null; done
    for pause in 0.05 0.2 0; do
      for file in $(grep -lzsx "$1" /proc/[0-9]*/environ); do
        id=${file#/proc/}
        kill -KILL "${id%/environ}" 2>/dev/null
      done
      sleep "$pause"
    done
    """

  private init() {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
      socket = -1
      return
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    Self.closeTheRest(&actions)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    let newSession: Int16 = 0x80  // POSIX_SPAWN_SETSID, which the headers hide without _GNU_SOURCE
    posix_spawnattr_setflags(&attributes, newSession)
    let texts: [String] = ["/bin/sh", "-c", Self.script, "sh", "\(mark.name)=\(mark.value)"]
    var words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin"), nil]
    defer { for pointer in words + variables { free(pointer) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, "/bin/sh", &actions, &attributes, &words, &variables) == 0 else {
      close(ends[0])
      socket = -1
      return
    }
    socket = ends[0]
  }

  /// The shell lives as long as we do: whatever else it held would stay open with it (somebody's pipe, a lock of the journal).
  private static func closeTheRest(_ actions: inout posix_spawn_file_actions_t) {
    typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    // glibc 2.34 has it; the headers of older ones do not.
    if let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") {
      _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3)
    } else {
      ChildProcess.closeEverythingOnExec()
    }
  }

  public func hold(_ id: Int32) { tell("+\(id)\n") }

  public func release(_ id: Int32) { tell("-\(id)\n") }

  private func tell(_ text: String) {
    guard socket >= 0 else { return }
    let bytes = Array(text.utf8)
    // One short write on a stream socket is whole; the shell's death is no reason to die of SIGPIPE.
    _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }
}
