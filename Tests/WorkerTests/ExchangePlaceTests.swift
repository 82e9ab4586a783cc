import Foundation
import Response
import StaunchConfiguration
import TestSupport
import Testing

@testable import Worker

/// A directory of its own for endpoint and worker: used as it must be, and in no other state.
@Suite struct ExchangePlaceTests {
  private let root: TemporaryDirectory
  private let group: String
  private var directory: String { root.path("exchange") }
  private var state: String { root.path("state") }

  init() throws {
    root = try TemporaryDirectory()
    group = String(cString: try #require(getgrgid(getegid())).pointee.gr_name)
    for path in ["exchange", "state"] {
      try FileManager.default.createDirectory(
        atPath: root.path(path), withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700])
    }
    #expect(chmod(directory, 0o2770) == 0)
  }

  private func place(_ directory: String? = nil, group: String? = nil) -> ExchangePlace {
    ExchangePlace(
      Configuration.Exchange(
        directory: directory ?? self.directory, group: group ?? self.group, position: "staunch.yaml:1:1"),
      state: state)
  }

  private func refusal(_ place: ExchangePlace) -> Refusal? {
    do throws(Refusal) {
      try place.check()
      return nil
    } catch { return error }
  }

  @Test func `the worker's own, its group's to write and nobody else's, is taken`() {
    #expect(refusal(place()) == nil)
  }

  @Test func `without one of its own there is nothing to look at`() {
    let inside = ExchangePlace(nil, state: state)
    #expect(inside.path == state + "/exchange" && inside.group == nil)
    #expect(refusal(inside) == nil)
  }

  @Test(arguments: [0o2775, 0o2771, 0o770, 0o2750, 0o700, 0o3770])
  func `another mode is refused with the command that mends it`(mode: mode_t) {
    #expect(chmod(directory, mode) == 0)
    let found = refusal(place())
    #expect(found?.because.hasPrefix("its mode is \(String(mode, radix: 8)) and not 2770") == true)
    #expect(found?.fix == "chmod 2770 \(directory)")
  }

  @Test func `what is not there is made by root, who is told how`() {
    #expect(rmdir(directory) == 0)
    #expect(refusal(place())?.fix?.contains("install -d -m 2770 -o ") == true)
  }

  @Test func `a file, a link and a group that does not exist are refused`() throws {
    let file = root.path("file")
    try "".write(toFile: file, atomically: false, encoding: .utf8)
    #expect(refusal(place(file))?.because == "it is no directory")
    let link = root.path("link")
    #expect(symlink(directory, link) == 0)
    #expect(refusal(place(link))?.because == "a link stands in its place")
    #expect(refusal(place(group: "no-such-group"))?.because == "there is no group no-such-group")
  }

  @Test func `a way to it that others may turn is refused`() throws {
    let link = root.path("way")
    #expect(symlink(root.path, link) == 0)
    #expect(refusal(place(link + "/exchange"))?.because.contains("through a link") == true)
    #expect(chmod(root.path, 0o777) == 0)
    #expect(refusal(place())?.because.contains("others may write to \(root.path)") == true)
    #expect(chmod(root.path, 0o700) == 0)
  }

  @Test(.enabled(if: geteuid() == 0, "not root: it cannot be given away"))
  func `somebody else's directory, or another group's, is refused`() {
    #expect(chown(directory, 65534, getegid()) == 0)
    #expect(refusal(place())?.because.contains("and not to the worker") == true)
    #expect(chown(directory, 0, 65534) == 0 && chmod(directory, 0o2770) == 0)
    #expect(refusal(place())?.because == "its group is not \(group)")
  }

  @Test func `what lies there and is none of ours is named, and never a draft`() throws {
    for name in ["exchange.sqlite", "exchange.sqlite-wal", "inbox.pub", "inbox.pub.4711.new", "evil"] {
      try "".write(toFile: directory + "/" + name, atomically: false, encoding: .utf8)
    }
    #expect(symlink("/etc/passwd", directory + "/people.json") == 0)
    #expect(mkfifo(directory + "/receiver.json", 0o600) == 0)
    #expect(link(directory + "/inbox.pub", directory + "/exchange.sqlite-shm") == 0)
    #expect(symlink(state, directory + "/exchange.sqlite.spool") == 0)
    #expect(
      try place().strangers().map(\.name) == [
        "evil", "exchange.sqlite-shm", "exchange.sqlite.spool", "inbox.pub", "people.json", "receiver.json",
      ])
  }

  @Test func `another directory is not taken over while this one is in use`() throws {
    try place().require(
      Configuration.Exchange(directory: directory, group: group, position: "staunch.yaml:9:1"))
    #expect(throws: Refusal.self) { try place().require(nil) }
  }

  @Test func `who may do what is read from users and modes`() {
    let me = ExchangePlace.name(of: geteuid())
    #expect(place().rights().first == "\(me) (the worker) reads and writes \(directory) and \(state)")
    #expect(place().intruders().allSatisfy { $0 != me })
  }
}
