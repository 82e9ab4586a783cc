import Foundation
import TestSupport

/// A real sshd, reached through its standard input and output: no port, no daemon. `ssh` starts it as its connection
/// (ProxyCommand), so host keys, authentication and the remote shell are those of the real thing.
struct SecureShellServer {
  /// For `GIT_SSH_COMMAND`.
  let command: String

  init(in directory: String) throws {
    // As root, sshd wants the directory that its service makes (sshd(8), FILES).
    if getuid() == 0 {
      try FileManager.default.createDirectory(
        atPath: "/run/sshd", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }
    let shell = Git(path: directory)
    for name in ["host", "user"] {
      try shell(["-q", "-t", "ed25519", "-N", "", "-f", directory + "/" + name], program: "ssh-keygen")
    }
    let host = String(decoding: try shell.read("host.pub"), as: UTF8.self)
    try shell.write("known_hosts", "git.test " + host)
    try shell.write("authorized_keys", try shell.read("user.pub"))
    try shell.write(
      "sshd_config",
      """
      HostKey \(directory)/host
      AuthorizedKeysFile \(directory)/authorized_keys
      PasswordAuthentication no
      UsePAM no
      StrictModes no
      PidFile none
      AcceptEnv GIT_PROTOCOL
      PermitRootLogin yes

      """)
    command =
      "ssh -F none -i \(directory)/user -o IdentitiesOnly=yes -o UserKnownHostsFile=\(directory)/known_hosts "
      + "-o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes -o BatchMode=yes "
      + "-o 'ProxyCommand=/usr/sbin/sshd -i -f \(directory)/sshd_config'"
  }
}
