import CLinux
import Foundation

/// Which files the endpoint may open: programs and libraries, what name resolution and TLS need, its settings' own files,
/// and the exchange directory, which alone it may write. Source: landlock(7), versions 1 to 7.
struct LandlockRules {
  enum Outcome: Equatable {
    case applied(version: Int)
    case unavailable(String)
  }

  let exchange: String
  let readable: [String]

  private enum Access {
    static let execute: UInt64 = 1 << 0
    static let writeFile: UInt64 = 1 << 1
    static let readFile: UInt64 = 1 << 2
    static let readDirectory: UInt64 = 1 << 3
    static let removeDirectory: UInt64 = 1 << 4
    static let removeFile: UInt64 = 1 << 5
    static let makeDirectory: UInt64 = 1 << 7
    static let makeFile: UInt64 = 1 << 8
    static let truncate: UInt64 = 1 << 14
    static let ofFiles = execute | writeFile | readFile | truncate | ioctl
    static let ioctl: UInt64 = 1 << 15
    static let reading = readFile | readDirectory
    /// No links, pipes, sockets or devices: the worker opens what lies there.
    static let exchanging =
      reading | writeFile | truncate | makeFile | makeDirectory | removeFile | removeDirectory
  }

  /// Everything that a version of Landlock can refuse is refused where no rule allows it.
  private static func handled(_ version: Int) -> UInt64 {
    let bits = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13
    return (1 << UInt64(bits)) - 1
  }

  /// Programs and libraries. docs/SECURITY-MODEL.md has the same lists.
  static let programs = ["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin"]
  /// Names, addresses, certificate authorities, time zones; what the kernel says of this machine. `/proc` shows no other
  /// process's memory, environment or descriptors: Landlock refuses debugging of whoever is outside.
  static let knowledge = [
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/resolv.conf", "/etc/hosts",
    "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
    "/etc/localtime",
    "/etc/timezone", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/passwd", "/etc/group",
    "/run/systemd/resolve", "/proc", "/sys/fs/cgroup", "/sys/devices/system", "/dev/urandom", "/dev/random",
    "/dev/null",
  ]

  /// Restricts the calling thread and what it executes.
  func apply() -> Outcome {
    let version = Int(linux_landlock_create(nil, 0, 1))
    guard version > 0 else { return .unavailable(String(cString: strerror(errno)).lowercased()) }
    let handled = Self.handled(version)
    var attributes = linux_landlock_ruleset()
    attributes.handled_access_fs = handled
    // Version 6: no signals and no abstract sockets to whoever is outside.
    if version >= 6 { attributes.scoped = 3 }
    let ruleset = Int32(linux_landlock_create(&attributes, version >= 6 ? 24 : version >= 4 ? 16 : 8, 0))
    guard ruleset >= 0 else { return .unavailable(String(cString: strerror(errno)).lowercased()) }
    defer { close(ruleset) }
    for path in Self.programs + Self.mappedDirectories() {
      allow(path, (Access.reading | Access.execute) & handled, ruleset)
    }
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      // Without /proc it is not found, and not executed again either: that is told.
      add(own, (Access.readFile | Access.execute) & handled, ruleset)
    }
    for path in Self.knowledge + readable { allow(path, Access.reading & handled, ruleset) }
    allow("/dev/null", (Access.readFile | Access.writeFile) & handled, ruleset)
    add(exchange, Access.exchanging & handled, ruleset)
    guard linux_landlock_restrict(ruleset) == 0 else {
      return .unavailable(String(cString: strerror(errno)).lowercased())
    }
    return .applied(version: version)
  }

  /// The directory of every file that is mapped now: our program and its libraries, wherever they were installed.
  private static func mappedDirectories() -> [String] {
    let paths = String(decoding: maps(), as: UTF8.self).split(separator: "\n").compactMap { line -> String? in
      guard let start = line.firstIndex(of: "/") else { return nil }
      return (String(line[start...]) as NSString).deletingLastPathComponent
    }
    return Set(paths).subtracting(["/", "/tmp", "/dev/shm", "/dev/zero", "/memfd:"]).sorted()
  }

  /// `/proc/self/maps` to its end: it tells no size, and each read gives a page of it at most.
  private static func maps() -> [UInt8] {
    let file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var all: [UInt8] = []
    var page = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(file, &page, page.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return all }
      all += page[..<count]
    }
  }

  /// Allows `path`; where the state directory lies beneath it, all but the state directory.
  private func allow(_ path: String, _ access: UInt64, _ ruleset: Int32) {
    let state = (exchange as NSString).deletingLastPathComponent
    guard state == path || state.hasPrefix(path == "/" ? "/" : path + "/") else {
      return add(path, access, ruleset)
    }
    guard state != path else { return }
    // What cannot be listed cannot be allowed either.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
      allow(path + "/" + name, access, ruleset)
    }
  }

  /// A path that is not there needs no rule.
  private func add(_ path: String, _ access: UInt64, _ ruleset: Int32) {
    let directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)
    let file = directory >= 0 ? directory : open(path, O_PATH | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var rule = linux_landlock_path()
    rule.allowed_access = directory >= 0 ? access : access & Access.ofFiles
    rule.parent_fd = file
    _ = linux_landlock_add_path(ruleset, &rule)
  }
}

/// Hidden by the headers without _GNU_SOURCE.
private let O_PATH: Int32 = 0o10000000
