import Capabilities
import Foundation

/// File operations of the write protocol. "Durable" ones return after the bytes or the directory entry are on disk.
///
/// Every error names the system call's reason and the path (a path inside `.git` never holds a secret in clear: the
/// callers pass numbered names for anything that could).
enum DurableFiles {
  /// Creates or replaces `path` with `bytes` and waits until they are on disk (file and directory entry).
  static func write(_ bytes: [UInt8], to path: PathBytes, mode: mode_t = 0o600) throws(CapabilityError) {
    let temporary = path.parent / (Array("new-".utf8) + path.last)
    let descriptor = temporary.withCString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
    guard descriptor >= 0 else { throw failure("open", temporary) }
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor, named: temporary)
    guard fsync(descriptor) == 0 else { throw failure("fsync", temporary) }
    try rename(temporary, to: path)
    try synchronizeDirectory(path.parent)
  }

  /// Adds one line to a log and waits until it is on disk.
  static func append(_ bytes: [UInt8], to path: PathBytes) throws(CapabilityError) {
    let descriptor = path.withCString { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor, named: path)
    guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
  }

  /// Creates `path` only if nothing is there. - Returns: false when something is.
  static func createExclusively(_ path: PathBytes, with bytes: [UInt8], mode: mode_t = 0o600)
    throws(CapabilityError) -> Bool
  {
    let descriptor = path.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) }
    if descriptor < 0, errno == EEXIST { return false }
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    do {
      try writeAll(bytes, to: descriptor, named: path)
    } catch {
      path.withCString { _ = unlink($0) }
      throw error
    }
    return true
  }

  /// - Throws: `.unsafe` when it is a pipe or a device: it is not waited for.
  static func read(_ path: PathBytes) throws(CapabilityError) -> [UInt8] {
    let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("fstat", path) }
    try SpecialFiles.refuse(path, status)
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while true {
      if filled == bytes.count { bytes.append(contentsOf: repeatElement(0, count: 4096)) }
      let room = bytes.count - filled
      let count = bytes.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { Foundation.read(descriptor, $0 + filled, room) } ?? 0
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", path) }
      if count == 0 { break }
      filled += count
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// The bytes of `path`, or nil when there is no such file.
  static func readIfPresent(_ path: PathBytes) throws(CapabilityError) -> [UInt8]? {
    guard case .regular = kind(of: path) else { return nil }
    return try read(path)
  }

  /// The absolute path without links, `.` and `..`. - Throws: `.notFound` when nothing is there.
  static func canonical(_ path: PathBytes) throws(CapabilityError) -> PathBytes {
    guard let resolved = path.withCString({ realpath($0, nil) }) else { throw failure("open", path) }
    defer { free(resolved) }
    return PathBytes(bytes: (0..<strlen(resolved)).map { UInt8(bitPattern: resolved[$0]) })
  }

  /// What a directory entry is.
  enum Kind: Sendable, Hashable { case regular, directory, link, other, missing }

  static func kind(of path: PathBytes) -> Kind {
    guard let mode = status(of: path)?.st_mode else { return .missing }
    switch mode & S_IFMT {
    case S_IFREG: return .regular
    case S_IFDIR: return .directory
    case S_IFLNK: return .link
    default: return .other
    }
  }

  /// Why nobody can say whether `path` is there (rights of a directory, a path that is too long); nil when somebody can.
  static func obstacle(to path: PathBytes) -> CapabilityError? {
    var status = stat()
    guard path.withCString({ lstat($0, &status) }) != 0, errno != ENOENT, errno != ENOTDIR else { return nil }
    return failure("lstat", path)
  }

  static func exists(_ path: PathBytes) -> Bool { kind(of: path) != .missing }

  static func status(of path: PathBytes) -> stat? {
    var status = stat()
    return path.withCString { lstat($0, &status) } == 0 ? status : nil
  }

  /// Permission bits; 0644 for a file that is not there yet.
  static func permissions(of path: PathBytes) -> mode_t {
    status(of: path).map { $0.st_mode & 0o777 } ?? 0o644
  }

  /// Names in a directory, sorted; empty when there is no such directory.
  static func entries(of directory: PathBytes) throws(CapabilityError) -> [[UInt8]] {
    guard let stream = directory.withCString({ opendir($0) }) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw failure("opendir", directory)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Where a symbolic link points; nil when it cannot be read.
  static func target(ofLink path: PathBytes) -> [UInt8]? {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = path.withCString { name in
      target.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { readlink(name, $0.assumingMemoryBound(to: CChar.self), buffer.count) } ?? -1
      }
    }
    return count < 0 ? nil : Array(target.prefix(count))
  }

  /// Creates `directory` and its missing parents, mode 0700.
  static func makeDirectory(_ directory: PathBytes, mode: mode_t = 0o700) throws(CapabilityError) {
    if directory.bytes.isEmpty || kind(of: directory) == .directory { return }
    try makeDirectory(directory.parent, mode: mode)
    if directory.withCString({ mkdir($0, mode) }) != 0, errno != EEXIST { throw failure("mkdir", directory) }
  }

  static func rename(_ from: PathBytes, to path: PathBytes) throws(CapabilityError) {
    let result = from.withCString { source in path.withCString { Foundation.rename(source, $0) } }
    guard result == 0 else { throw failure("rename", path) }
  }

  /// Renames, or copies with mode and times where the two are on different file systems (linked work trees).
  static func move(_ from: PathBytes, to path: PathBytes) throws(CapabilityError) {
    let result = from.withCString { source in path.withCString { Foundation.rename(source, $0) } }
    if result == 0 { return }
    guard errno == EXDEV else { throw failure("rename", path) }
    try copy(from, to: path)
    try remove(from)
  }

  /// A second name for the same file, or a copy where that cannot be (other file system, files of other users).
  static func link(_ from: PathBytes, to path: PathBytes) throws(CapabilityError) {
    let result = from.withCString { source in path.withCString { Foundation.link(source, $0) } }
    if result == 0 { return }
    guard errno == EXDEV || errno == EPERM || errno == EMLINK else { throw failure("link", path) }
    try copy(from, to: path)
  }

  /// What came of ``addName(_:to:)``.
  enum AddedName { case made, taken, impossible }

  /// A second name for the file `file`, only if nothing is there. Cheaper than a file: thousands of them take no time.
  /// - Returns: `impossible` where a file cannot have (so) many names.
  static func addName(_ path: PathBytes, to file: PathBytes) throws(CapabilityError) -> AddedName {
    if file.withCString({ from in path.withCString { Foundation.link(from, $0) } }) == 0 { return .made }
    switch errno {
    case EEXIST: return .taken
    case EMLINK, EPERM, EXDEV, EOPNOTSUPP: return .impossible
    default: throw failure("link", path)
    }
  }

  /// The file's bytes, or the link's target, with permissions and times.
  private static func copy(_ from: PathBytes, to path: PathBytes) throws(CapabilityError) {
    guard let status = status(of: from) else { throw failure("lstat", from) }
    if status.st_mode & S_IFMT == S_IFLNK {
      var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
      guard from.withCString({ readlink($0, &target, Int(PATH_MAX)) }) > 0 else {
        throw failure("readlink", from)
      }
      try remove(path)
      guard path.withCString({ symlink(target, $0) }) == 0 else { throw failure("symlink", path) }
    } else {
      try copyBytes(from, to: path, mode: status.st_mode & 0o7777)
    }
    let times = [status.st_atim, status.st_mtim]
    guard path.withCString({ utimensat(AT_FDCWD, $0, times, AT_SYMLINK_NOFOLLOW) }) == 0 else {
      throw failure("utimensat", path)
    }
  }

  /// In pieces: the file may be larger than the memory.
  private static func copyBytes(_ from: PathBytes, to path: PathBytes, mode: mode_t) throws(CapabilityError) {
    let source = from.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard source >= 0 else { throw failure("open", from) }
    defer { close(source) }
    let temporary = path.parent / (Array("new-".utf8) + path.last)
    let target = temporary.withCString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
    guard target >= 0 else { throw failure("open", temporary) }
    defer { close(target) }
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Foundation.read(source, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", from) }
      if count == 0 { break }
      try writeAll(Array(piece[..<count]), to: target, named: temporary)
    }
    guard fsync(target) == 0 else { throw failure("fsync", temporary) }
    try rename(temporary, to: path)
    try synchronizeDirectory(path.parent)
  }

  /// Removes one name. Safe to repeat.
  static func remove(_ path: PathBytes) throws(CapabilityError) {
    if path.withCString({ unlink($0) }) != 0, errno != ENOENT { throw failure("unlink", path) }
  }

  /// Removes an empty directory; leaves one that is not empty. - Returns: whether it is gone.
  @discardableResult
  static func removeEmptyDirectory(_ path: PathBytes) -> Bool {
    path.withCString { rmdir($0) == 0 }
  }

  /// Removes a directory with everything in it. A link is removed, never what it leads to. Safe to repeat.
  static func removeTree(_ directory: PathBytes) throws(CapabilityError) {
    if kind(of: directory) == .link { return try remove(directory) }
    for name in try entries(of: directory) {
      let path = directory / name
      if kind(of: path) == .directory { try removeTree(path) } else { try remove(path) }
    }
    if directory.withCString({ rmdir($0) }) != 0, errno != ENOENT { throw failure("rmdir", directory) }
  }

  static func synchronize(_ path: PathBytes) throws(CapabilityError) {
    let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
  }

  static func synchronizeDirectory(_ directory: PathBytes) throws(CapabilityError) {
    try synchronize(directory)
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, named path: PathBytes)
    throws(CapabilityError)
  {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        buffer.baseAddress.map { Foundation.write(descriptor, $0 + written, bytes.count - written) } ?? 0
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("write", path) }
      written += count
    }
  }

  /// The error of the system call that just failed on this thread.
  static func failure(_ call: String, _ path: PathBytes) -> CapabilityError {
    let code = errno
    let reason = String(cString: strerror(code))
    let fix: String
    let kind: CapabilityError.Class
    switch code {
    case ENOSPC, EDQUOT, EFBIG:
      (kind, fix) = (.refused, "free disk space on that file system, then run the same command again")
    case EACCES, EPERM, EROFS:
      (kind, fix) = (.refused, "run as the owner of the repository, or make it writable, then try again")
    case ENOENT: (kind, fix) = (.notFound, "check that the repository is still there")
    default: (kind, fix) = (.refused, "run the same command again: it goes on or rolls back from its journal")
    }
    return CapabilityError(kind, "\(call) \(path.text)", because: reason.lowercased(), fix: fix)
  }
}
