import CLinux
public import Capabilities
import Foundation
public import Secrets

/// A directory whose files are named by somebody else (a scanner's report), and may be links that somebody committed.
///
/// No name leads out of it, and no link is followed, neither at the end nor on the way: a link to another user's file
/// would make that file's secret "leaked", sealed here and rotated. Source: openat2(2), RESOLVE_BENEATH.
public final class CheckoutDirectory: Sendable {
  private let descriptor: Int32

  /// - Throws: `.notFound`, `.refused`. `path` itself is the user's word: links on the way to it are followed.
  public init(_ path: String) throws(CapabilityError) {
    descriptor = Foundation.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw systemError(errno, "open the directory \(path)") }
  }

  deinit { close(descriptor) }

  /// The contents of the regular file `name`, at most `largest` bytes; nil when there is no such file here.
  /// - Throws: `.refused` and what else the system says of a file that is there; `.invalid` when it is larger.
  public func contents(of name: String, largest: Int = 64 << 20) throws(CapabilityError) -> Secret? {
    let operation = "read \(name)"
    let file = open(name)
    guard file >= 0 else {
      switch errno {
      case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, EINVAL: return nil
      default: throw systemError(errno, operation)
      }
    }
    let opened = Descriptor(adopting: file)
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return try opened.readAll(largest: largest, operation)
  }

  /// Non-blocking: to open a pipe would wait for a writer.
  private func open(_ name: String) -> Int32 {
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW
    var how = linux_open_how()
    how.flags = UInt64(flags)
    how.resolve = 0x08 | 0x04 | 0x02  // beneath the directory, no symbolic links, no magic links
    let file = Int32(linux_openat2(descriptor, name, &how))
    guard file < 0, errno == ENOSYS || errno == EPERM else { return file }
    return walk(name, flags)
  }

  /// The same by hand, for a kernel before 5.6 or a filter that does not know the call.
  private func walk(_ name: String, _ flags: Int32) -> Int32 {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), let last = parts.last else {
      errno = EXDEV
      return -1
    }
    var directory = dup(descriptor)
    for part in parts.dropLast() {
      let next = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      let code = errno
      close(directory)
      errno = code
      guard next >= 0 else { return -1 }
      directory = next
    }
    let file = openat(directory, last, flags)
    let code = errno
    close(directory)
    errno = code
    return file
  }
}
