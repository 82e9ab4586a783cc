import Foundation
import TestSupport
import Testing

/// What `git` starts for staunch ends with staunch: a push that goes on after `kill -9` would be carried out unseen.
@Suite struct GitLeashTests {
  /// A remote helper that answers `list`, and hangs when it is asked for a push, with a child of its own.
  private static func helper(_ pipe: String, _ id: String, _ reference: String) -> String {
    """
    #!/bin/bash
    exec 9>'\(pipe)'
    while read -r line; do
      case $line in
        capabilities) printf 'push\\nfetch\\n\\n' ;;
        list) printf '\(id) \(reference)\\n\\n' ;;
        'list for-push') (trap '' TERM HUP INT; sleep 600 & wait) & echo started >&9; wait ;;
        '') exit 0 ;;
      esac
    done

    """
  }

  @Test func `after kill -9 during a push the remote helper and its children end`() async throws {
    let directory = try TemporaryDirectory()
    let secret = ["git", "LeashSecret", "0123456789abcdef"].joined(separator: "-")
    try (secret + "\n").write(toFile: directory.path("secrets"), atomically: true, encoding: .utf8)
    let repository = directory.path("repository")
    try Program.git("init", "-q", "-b", "main", repository)
    try "key = \(secret)\n".write(toFile: repository + "/a", atomically: true, encoding: .utf8)
    try Program.git("-C", repository, "add", "a")
    try Program.git("-C", repository, "commit", "-qm", "leak")
    let old = try Program.git("-C", repository, "rev-parse", "main").trimmingCharacters(in: .newlines)
    try Program.git("-C", repository, "remote", "add", "origin", "hang::anywhere")
    try Program.git("-C", repository, "config", "protocol.hang.allow", "always")
    let pipe = directory.path("alive")
    #expect(mkfifo(pipe, 0o600) == 0)
    let tools = directory.path("tools")
    try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
    let program = tools + "/git-remote-hang"
    try Self.helper(pipe, old, "refs/heads/main").write(toFile: program, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path, path: [tools])
    // A reader that is always there, so that nobody waits for one; a writer of ours, so that the pipe does not end before.
    let keeper = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(keeper) }
    let writer = open(pipe, O_WRONLY | O_CLOEXEC)
    let rewritten = try await binary.run([
      "history", "rewrite", "--repository", "repository", "--secrets", "secrets", "--live", "--confirm",
      "repository",
    ])
    #expect(rewritten.status == 0, "\(rewritten.errors)")
    let running = try binary.start([
      "history", "push", "--repository", "repository", "--live", "--confirm", "repository",
    ])
    // "started" comes from the push; those that only listed have ended and closed their ends.
    var text: [UInt8] = []
    while !text.contains(0x0A) {
      var ready = pollfd(fd: keeper, events: Int16(POLLIN), revents: 0)
      try #require(poll(&ready, 1, 60_000) == 1, "the push never came")
      var buffer = [UInt8](repeating: 0, count: 64)
      let count = read(keeper, &buffer, buffer.count)
      if count > 0 { text += buffer[..<count] }
    }
    close(writer)
    running.kill()
    // The end of the pipe: the last process that held it is gone.
    while true {
      var ready = pollfd(fd: keeper, events: Int16(POLLIN), revents: 0)
      try #require(poll(&ready, 1, 60_000) == 1, "a child still lives")
      if ready.revents & Int16(POLLIN) == 0, ready.revents & Int16(POLLHUP) != 0 { break }
      var buffer = [UInt8](repeating: 0, count: 64)
      if read(keeper, &buffer, buffer.count) == 0 { break }
    }
    // What it left of its own among the temporary files goes with the next command that makes one.
    func views() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
        $0.hasPrefix("staunch-view-")
      }
    }
    #expect(try !views().isEmpty)
    _ = try await binary.run(["history", "push", "--repository", "repository"])
    #expect(try views().isEmpty)
  }
}
