import Foundation
package import Response
package import StaunchConfiguration

/// A line of /etc/group. The word `group` is taken below.
private typealias GroupEntry = group

/// The directory that the endpoint and the worker share, looked at before anything in it is used.
///
/// Inside of the state directory it is ours alone, or is given to the endpoint's user by ``EndpointUser``. As a directory of its own
/// (`exchange:` in staunch.yaml) it is what makes two users possible: the worker owns it, the endpoint comes in by its
/// group, and nobody else comes in.
package struct ExchangePlace: Sendable, Hashable {
  /// Absolute, without links where it is a directory of its own.
  package let path: String
  /// The endpoint's group; nil: it lies in the state directory.
  package let group: String?
  private let state: String

  /// - Parameters:
  ///   - configured: `exchange:` of staunch.yaml.
  ///   - state: the state directory.
  package init(_ configured: Configuration.Exchange?, state: String) {
    path = configured?.directory ?? state + "/exchange"
    group = configured?.group
    self.state = state
  }

  /// Whether it is as it must be. In the state directory, whose own mode closes it, there is nothing to look at.
  ///
  /// - Throws: ``Refusal`` with the command that mends it.
  package func check() throws(Refusal) {
    guard let group else { return }
    guard let entry = getgrnam(group) else {
      throw refusal(
        "there is no group \(harmless(group))", fix: "groupadd --system \(harmless(group)), as root")
    }
    let wanted = entry.pointee.gr_gid
    var status = stat()
    guard lstat(path, &status) == 0 else {
      let because = errno == ENOENT ? "it is not there" : String(cString: strerror(errno)).lowercased()
      throw refusal(
        because,
        fix:
          "as root: install -d -m 2770 -o \(Self.name(of: geteuid())) -g \(harmless(group)) \(harmless(path))"
      )
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      let isLink = status.st_mode & S_IFMT == S_IFLNK
      throw refusal(
        isLink ? "a link stands in its place" : "it is no directory", fix: "see who made it: ls -ld \(path)")
    }
    try checkWay()
    guard status.st_uid == geteuid() else {
      throw refusal(
        "it belongs to \(Self.name(of: status.st_uid)), who could let anybody in, and not to the worker "
          + "(\(Self.name(of: geteuid())), as whom this runs)",
        fix: "run this as the worker's user; or, as root: chown \(Self.name(of: geteuid())) \(path)")
    }
    guard status.st_gid == wanted else {
      throw refusal("its group is not \(harmless(group))", fix: "as root: chgrp \(harmless(group)) \(path)")
    }
    guard status.st_mode & 0o7777 == 0o2770 else {
      let mode = String(status.st_mode & 0o7777, radix: 8)
      throw refusal(
        "its mode is \(mode) and not 2770: owner and group, and what is made in it is the group's",
        fix: "chmod 2770 \(path)")
    }
    guard geteuid() == 0 || getegid() == wanted || Self.ownGroups().contains(wanted) else {
      throw refusal(
        "\(Self.name(of: geteuid())) is not in \(harmless(group)), and cannot read what the endpoint makes there",
        fix: "as root: usermod -aG \(harmless(group)) \(Self.name(of: geteuid())), then start anew")
    }
  }

  /// The endpoint and the file are where they were when this process began; another directory needs a new beginning.
  ///
  /// - Throws: when `configured` means another directory.
  package func require(_ configured: Configuration.Exchange?) throws(Refusal) {
    guard ExchangePlace(configured, state: state) != self else { return }
    throw Refusal(
      .configuration, "exchange: has changed, and is not read again while it is in use",
      because: "the exchange file of \(harmless(path)) is open", fix: "end staunch, and start it anew")
  }

  /// Nobody but root and us may put another directory in its place.
  private func checkWay() throws(Refusal) {
    guard let resolved = realpath(path, nil) else {
      throw refusal(String(cString: strerror(errno)).lowercased(), fix: "ls -ld \(path)")
    }
    defer { free(resolved) }
    let real = String(cString: resolved)
    guard real == path else {
      throw refusal(
        "it is reached through a link, which may be turned", fix: "exchange: directory: \(harmless(real))")
    }
    var above = (path as NSString).deletingLastPathComponent
    while true {
      var status = stat()
      guard lstat(above, &status) == 0 else {
        throw refusal(
          "\(above): \(String(cString: strerror(errno)).lowercased())", fix: "ls -ld \(above)")
      }
      guard status.st_uid == 0 || status.st_uid == geteuid() else {
        throw refusal(
          "\(above) belongs to \(Self.name(of: status.st_uid)), who may put another directory in its place",
          fix: "let it lie under directories of root: exchange: directory: /var/lib/staunch-exchange")
      }
      // In a sticky directory only the owner of an entry moves it.
      guard status.st_mode & 0o022 == 0 || status.st_mode & 0o1000 != 0 else {
        throw refusal(
          "others may write to \(above), and put another directory in its place", fix: "ls -ld \(above)")
      }
      guard above.count > 1 else { return }
      above = (above as NSString).deletingLastPathComponent
    }
  }

  private func refusal(_ because: String, fix: String) -> Refusal {
    Refusal(
      .configuration, "the exchange directory \(harmless(path)) cannot be used", because: because, fix: fix)
  }

  private static func ownGroups() -> [gid_t] {
    let count = getgroups(0, nil)
    guard count > 0 else { return [] }
    var groups = [gid_t](repeating: 0, count: Int(count))
    let found = getgroups(count, &groups)
    return found > 0 ? Array(groups.prefix(Int(found))) : []
  }

  /// The user's name, or its number where there is none.
  static func name(of user: uid_t) -> String {
    getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? "user \(user)"
  }
}

// MARK: what is said of it

extension ExchangePlace {
  /// An entry that neither the endpoint nor the worker makes there.
  package struct Stranger: Sendable, Hashable {
    package let name: String
    package let because: String
  }

  /// What lies there and should not: another name, a link, a pipe. Nothing of it is ever opened: the worker opens what it knows, without
  /// links. That it is there says that somebody who may write there put it there.
  ///
  /// - Throws: when the directory cannot be listed.
  package func strangers() throws(Refusal) -> [Stranger] {
    guard access(path, F_OK) == 0 else { return [] }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
      throw refusal("it cannot be listed", fix: "ls -ld \(path)")
    }
    return names.sorted().compactMap { name in
      var status = stat()
      // Gone meanwhile: a draft that found its place.
      guard lstat(path + "/" + name, &status) == 0 else { return nil }
      let kind = status.st_mode & S_IFMT
      if name == "exchange.sqlite.spool" {
        return kind == S_IFDIR ? nil : Stranger(name: name, because: "it is no directory")
      }
      guard Self.isKnown(name) else { return Stranger(name: name, because: "staunch makes no such file") }
      guard kind == S_IFREG, status.st_nlink == 1 else {
        return Stranger(name: name, because: "it is a link or no regular file")
      }
      return nil
    }
  }

  private static func isKnown(_ name: String) -> Bool {
    let files = ["inbox.pub", "people.json", "receiver.json", "receiver.json.new"]
    let database = ["", "-wal", "-shm", "-journal"].map { "exchange.sqlite" + $0 }
    if (files + database).contains(name) { return true }
    // A file on its way into its place: NAME.PID.new.
    return files.contains { file in
      name.hasPrefix(file + ".") && name.hasSuffix(".new")
        && name.dropFirst(file.count + 1).dropLast(4).allSatisfy(\.isNumber)
    }
  }

  /// Who may do what, in one sentence for each user: read from modes and groups as they are.
  package func rights() -> [String] {
    let worker = Self.name(of: geteuid())
    guard let group, let entry = getgrnam(group) else {
      return ["\(worker) alone opens \(path); an endpoint of the same user is held by Landlock"]
    }
    var said = ["\(worker) (the worker) reads and writes \(path) and \(state)"]
    let members = Self.members(of: entry).filter { $0 != worker }
    if members.isEmpty { said.append("nobody else is in \(group): no endpoint can use it") }
    for member in members {
      said.append(
        Self.mayEnter(state, member)
          ? "\(member) reads and writes \(path), and may enter \(state)"
          : "\(member) reads and writes \(path), and cannot enter \(state)")
    }
    return said
  }

  /// Users of the endpoint's group who could look into the state directory: each is a finding.
  package func intruders() -> [String] {
    guard let group, let entry = getgrnam(group) else { return [] }
    return Self.members(of: entry).filter { $0 != Self.name(of: geteuid()) && Self.mayEnter(state, $0) }
  }

  /// Those whose first group it is, and those whom it lists.
  private static func members(of group: UnsafeMutablePointer<GroupEntry>) -> [String] {
    var names: [String] = []
    var next = group.pointee.gr_mem
    while let pointer = next, let name = pointer.pointee {
      names.append(String(cString: name))
      next = pointer + 1
    }
    setpwent()
    while let entry = getpwent() {
      if entry.pointee.pw_gid == group.pointee.gr_gid { names.append(String(cString: entry.pointee.pw_name)) }
    }
    endpwent()
    return Set(names).sorted()
  }

  /// Whether `user` may list `directory`, by its mode; what access lists add is not seen.
  private static func mayEnter(_ directory: String, _ user: String) -> Bool {
    var status = stat()
    guard let entry = getpwnam(user), stat(directory, &status) == 0 else { return false }
    if entry.pointee.pw_uid == 0 { return true }
    if entry.pointee.pw_uid == status.st_uid { return status.st_mode & 0o500 != 0 }
    // Any group of it may be the directory's: the larger of both rights is taken.
    return status.st_mode & 0o055 != 0
  }
}
