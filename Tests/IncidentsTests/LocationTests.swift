import Incidents
import Testing

@Suite struct LocationTests {
  @Test(
    arguments: [
      ("https://github.com/acme/app.git", "github.com", "acme/app"),
      ("git@gitlab.test:acme/app.git", "gitlab.test", "acme/app"),
      ("https://user:token@git.test/acme/app/", "git.test", "acme/app"), ("leaky-app", nil, "leaky-app"),
      ("/srv/repos/app", nil, "srv/repos/app"),
      ("ssh://git@git.test:2222/acme/app", "git.test:2222", "acme/app"),
    ] as [(String, String?, String)])
  func anAddressNamesHostAndRepositoryWithoutCredentials(address: String, host: String?, name: String) {
    #expect(RepositoryRef(address: address) == RepositoryRef(host: host, name: name))
  }

  @Test(
    arguments: [
      ("app/src/a.py", "/home/dev/app", "src/a.py"), ("./src/a.py", ".", "src/a.py"),
      ("/home/dev/app/src/a.py", "/home/dev/app/", "src/a.py"),
      ("src/app/a.py", "/home/dev/app", "src/app/a.py"),
    ])
  func theScannedDirectoryIsTakenOff(path: String, directory: String, expected: String) {
    #expect(Location(.file, path: path).relative(toScanned: directory).path == expected)
    #expect(Location(.commit, commit: "abc", path: path).relative(toScanned: directory).path == path)
  }

  @Test(
    arguments: [
      ("src/a.py", true), ("a..b/c", true), ("../a", false), ("src/../../a", false), ("/etc/passwd", false),
      ("~/a", false),
      ("", false),
    ])
  func aPathThatLeadsOutIsKnown(path: String, isContained: Bool) {
    #expect(Location(.file, path: path).isContained == isContained)
  }
}
