package import Foundation
package import JSON
package import Response

/// As whom the endpoint runs when we are root: `staunch-receiver` where there is such a user, else `nobody`.
package struct EndpointUser: Sendable, Equatable {
  package let name: String
  package let id: uid_t
  /// Its own, or that of the exchange directory.
  package var group: gid_t

  private static let names = ["staunch-receiver", "nobody"]

  /// Chooses the user and gives it the exchange directory; nil, with the reason said, when the endpoint stays who we are.
  ///
  /// - Parameters:
  ///   - program: the endpoint's.
  ///   - place: the exchange directory, looked at already.
  ///   - settings: receiver.json.
  package static func choose(
    program: String, exchange place: ExchangePlace, settings: JSONValue, say: (String) -> Void
  ) throws -> EndpointUser? {
    guard geteuid() == 0 else { return nil }
    guard var user = names.lazy.compactMap({ named($0) }).first else { return nil }
    let exchange = place.path
    if let entry = place.group.flatMap({ getgrnam($0) }) { user.group = entry.pointee.gr_gid }
    if let because = user.problem(program: program, exchange: place, settings: settings) {
      say("the endpoint runs as root: \(because); Landlock alone separates it (docs/RECEIVER.md)")
      return nil
    }
    if place.group == nil {
      let state = (exchange as NSString).deletingLastPathComponent
      guard chmod(state, 0o711) == 0 else { throw failure(state) }
    }
    try user.own(exchange)
    if user.name == "nobody" {
      say("the endpoint runs as nobody, as other programs may; better: useradd --system staunch-receiver")
    }
    return user
  }

  private static func named(_ name: String) -> EndpointUser? {
    guard let entry = getpwnam(name), entry.pointee.pw_uid > 0, entry.pointee.pw_gid > 0 else { return nil }
    return EndpointUser(name: name, id: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
  }

  /// Why it cannot be this user; nil when it can.
  private func problem(program: String, exchange place: ExchangePlace, settings: JSONValue) -> String? {
    let listen = settings["listen"]?.string ?? ""
    if let port = listen.split(separator: ":").last.flatMap({ Int($0) }), (1..<1024).contains(port) {
      return "port \(port) is root's; listen behind a proxy, or run it by systemd"
    }
    for file in [settings["tls"]?["certificate"]?.string, settings["tls"]?["client_ca"]?.string] {
      if let file, !mayRead(file) { return "\(name) may not read \(file)" }
    }
    // The state directory itself is ours to open.
    let ours = place.group == nil ? (place.path as NSString).deletingLastPathComponent : place.path
    return barrier(to: ours) ?? barrier(to: program)
  }

  /// The first directory above `path` that it may not pass through.
  private func barrier(to path: String) -> String? {
    var directory = (path as NSString).deletingLastPathComponent
    while directory.count > 1 {
      if !may(1, directory) { return "\(name) may not pass through \(directory)" }
      directory = (directory as NSString).deletingLastPathComponent
    }
    return nil
  }

  private func mayRead(_ file: String) -> Bool { may(4, file) }

  /// By the mode alone; what access lists add is not seen.
  private func may(_ bit: mode_t, _ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    let shift: mode_t = status.st_uid == id ? 6 : status.st_gid == group ? 3 : 0
    return status.st_mode >> shift & bit != 0
  }

  /// The directory stays ours, its group's to write; what is made in it belongs to that group.
  private func own(_ exchange: String) throws {
    let directory = open(exchange, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard directory >= 0 else { throw Self.failure(exchange) }
    defer { close(directory) }
    guard fchown(directory, 0, group) == 0, fchmod(directory, 0o2770) == 0 else {
      throw Self.failure(exchange)
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: exchange) {
      let file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard file >= 0 else { continue }  // a link: nothing of ours
      defer { close(file) }
      var status = stat()
      guard fstat(file, &status) == 0 else { continue }
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      guard isDirectory || (status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1) else { continue }
      let isShared = name.hasPrefix("exchange.sqlite")
      guard fchown(file, isShared ? id : 0, group) == 0,
        fchmod(file, isDirectory ? 0o2770 : isShared ? 0o660 : 0o640) == 0
      else { throw Self.failure(exchange + "/" + name) }
    }
  }

  private static func failure(_ path: String) -> Refusal {
    Refusal(
      .unavailable, "cannot give \(path) to the endpoint's user",
      because: String(cString: strerror(errno)).lowercased(), fix: "ls -ld \(path)")
  }
}
