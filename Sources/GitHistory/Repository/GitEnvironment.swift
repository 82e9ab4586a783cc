/// Which of the caller's variables reach `git`.
enum GitEnvironment {
  /// Work on this machine: what Git reads to find and trust a repository. The caller's other variables may hold secrets.
  static func local(_ all: [String: String]) -> [String: String] {
    quiet(all.filter { passed.contains($0.key) || isConfiguration($0.key) }, all)
  }

  /// Contact with a remote: everything that `git push` on the command line would have. Who logs in is decided by
  /// programs that we do not know (`GIT_ASKPASS`, `SSH_ASKPASS`, credential helpers), and CI gives them their token in
  /// variables of any name. What would send Git to another repository stays here.
  static func contact(_ all: [String: String]) -> [String: String] {
    quiet(
      all.filter { name, _ in
        !name.hasPrefix("STAUNCH_") && !name.hasPrefix("GIT_TRACE") && !elsewhere.contains(name)
      }, all)
  }

  private static let passed: Set<String> = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
    "GIT_EXEC_PATH", "SUDO_UID",
  ]

  /// `GIT_CONFIG_COUNT`, `GIT_CONFIG_KEY_0`, `GIT_CONFIG_GLOBAL` … (git(1), GIT_CONFIG_COUNT).
  private static func isConfiguration(_ name: String) -> Bool {
    name.hasPrefix("GIT_CONFIG_") && name != "GIT_CONFIG"
  }

  /// Variables that name another repository or another part of it (`git rev-parse --local-env-vars`, git(1)).
  private static let elsewhere: Set<String> = [
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_CONFIG", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS", "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX", "GIT_CURL_VERBOSE", "GIT_DEFAULT_HASH", "GIT_CEILING_DIRECTORIES",
  ]

  /// No question on the terminal, messages that a program can read.
  private static func quiet(_ kept: [String: String], _ all: [String: String]) -> [String: String] {
    var kept = kept
    kept["GIT_TERMINAL_PROMPT"] = "0"
    // Without these ssh would ask on the terminal for a passphrase or a host key, and wait (ssh(1), ENVIRONMENT). A
    // program that the caller named is asked instead.
    kept["SSH_ASKPASS"] = all["SSH_ASKPASS"] ?? "/bin/false"
    kept["SSH_ASKPASS_REQUIRE"] = "force"
    kept["LC_ALL"] = "C.UTF-8"
    kept["PATH"] = kept["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return kept
  }
}
