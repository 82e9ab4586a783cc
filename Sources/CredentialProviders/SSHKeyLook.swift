import Capabilities
import Foundation
import Secrets

/// What sshd goes by for one account of one host, as the administrator sees it.
struct SSHKeyLook: Sendable {
  /// One file that may open the account.
  struct File: Sendable {
    enum State: String, Sendable {
      case absent, file, large, special, unreadable
      /// The account's own processes can end the one that reads, or keep it waiting.
      case unanswered
    }
    let path: String
    let state: State
    /// Where a symbolic link leads; nil: it is none.
    let link: String?
    let contents: [UInt8]
    /// The last change of the file or its attributes, which its owner cannot set back.
    let changed: Date?

    var keys: AuthorizedKeys { AuthorizedKeys(contents) }
    var isRead: Bool { state == .absent || state == .file }
  }

  let place: SSHPlace
  let uid: Int
  let gid: Int
  let home: String
  let groups: [String]
  /// `sshd -T`, lower case.
  let settings: [String: String]
  let files: [File]
  /// RevokedKeys names the key that was asked about.
  let isRevoked: Bool
  /// RevokedKeys is a file that nobody but root can change; nil: none is configured.
  let revokedKeys: String?

  /// More is no authorized_keys file that a script changes. Bytes.
  static let largest = 65536

  private static let settingsScript = """
    say() { printf '%s ' "$1"; head -c 200000 | base64 -w0; echo; }
    entry=$(getent passwd "$1") || { echo none; exit 0; }
    printf '%s\\n' "$entry" | say passwd
    id -Gn -- "$1" | say groups
    peer=${SSH_CONNECTION%% *}; [ -n "$peer" ] || peer=127.0.0.1
    sshd -T -f "$2" -C "user=$1,host=$peer,addr=$peer" 2>/dev/null | say sshd
    revoked=$(sshd -T -f "$2" -C "user=$1,host=$peer,addr=$peer" 2>/dev/null | sed -n 's/^revokedkeys //p')
    if [ "$3" != - ] && [ -n "$revoked" ] && [ "$revoked" != none ] && [ -f "$revoked" ]; then
      if [ "$(head -c 6 -- "$revoked")" = SSHKRL ]; then
        # Its own word: its status is the same for a list that it cannot read.
        key=$(mktemp) || exit 92; printf '%s\\n' "$3" >"$key"
        case $(ssh-keygen -Q -f "$revoked" "$key" 2>/dev/null) in *': REVOKED') echo revoked;; esac
        rm -f -- "$key"
      else
        awk -v key="$3" '$1 " " $2 == key { found = 1 } END { if (found) print "revoked" }' "$revoked"
      fi
    fi
    if [ -n "$revoked" ] && [ "$revoked" != none ]; then ours "$revoked" && echo revocable; fi
    echo end

    """

  /// Runs with the account's rights: a link leads nowhere that it could not go itself, and a pipe is not opened.
  private static let readScript = """
    uid=$1 gid=$2; shift 2
    as_user '
      for f do
        link=-; [ -L "$f" ] && link=$(readlink -- "$f" | head -c 400 | base64 -w0)
        state=absent changed=- body=-
        if [ -f "$f" ]; then
          changed=$(stat -Lc %Z -- "$f")
          if [ ! -r "$f" ]; then state=unreadable
          elif [ "$(stat -Lc %s -- "$f")" -gt 65536 ]; then state=large
          else state=file
            body=$(dd if="$f" iflag=nonblock,fullblock bs=65537 count=1 | base64 -w0); fi
        elif [ -e "$f" ]; then state=special
        elif [ -d "${f%/*}" ] && [ ! -x "${f%/*}" ]; then state=unreadable; fi
        echo "$state $link $changed -$body"
      done; echo end' sh "$@"

    """

  /// - Parameter key: whose revocation is asked about.
  init(_ place: SSHPlace, _ provider: SSHKey, _ admin: Secret, key: SSHPublicKey?)
    async throws(CapabilityError)
  {
    let operation = "look at \(place.name)"
    let text = try await provider.line.ask(
      place, admin, Self.settingsScript,
      [place.account, provider.settings.sshdConfig, key?.line ?? "-"])
    let lines = text.split(separator: "\n").map(String.init)
    guard lines.first != "none" else {
      throw CapabilityError(
        .notFound, operation, because: "the host has no account \(place.account)",
        fix: "correct hosts in staunch.yaml")
    }
    guard lines.last == "end" else {
      throw CapabilityError(.network, operation, because: "the answer is cut", fix: "staunch resume")
    }
    func said(_ word: String) -> String {
      let line = lines.first { $0.hasPrefix(word + " ") }?.dropFirst(word.count + 1) ?? ""
      return Data(base64Encoded: String(line)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    var settings: [String: String] = [:]
    for line in said("sshd").split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      settings[parts[0].lowercased()] = parts.count > 1 ? String(parts[1]) : ""
    }
    let entry = said("passwd").trimmingCharacters(in: .newlines)
      .split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard entry.count == 7, entry[0] == place.account, let uid = Int(entry[2]), let gid = Int(entry[3]) else {
      throw CapabilityError(.invalid, operation, because: "the account's entry cannot be read")
    }
    guard let names = settings["authorizedkeysfile"] else {
      throw CapabilityError(
        .configuration, operation, because: "sshd -T does not say which files it goes by",
        fix: "try there: sshd -T -f \(provider.settings.sshdConfig)")
    }
    self.place = place
    self.uid = uid
    self.gid = gid
    home = entry[5]
    groups = said("groups").split(whereSeparator: \.isWhitespace).map(String.init)
    self.settings = settings
    isRevoked = lines.contains("revoked")
    let revoked = settings["revokedkeys"].flatMap { $0 == "none" ? nil : $0 }
    revokedKeys = lines.contains("revocable") ? revoked : nil
    let paths = Self.paths(names, account: place.account, home: home, uid: uid)
    files = try await Self.read(paths, place, uid: uid, gid: gid, provider, admin)
  }

  /// AuthorizedKeysFile with its tokens put in (sshd_config(5), TOKENS).
  static func paths(_ names: String, account: String, home: String, uid: Int) -> [String] {
    names.split(separator: " ").filter { $0 != "none" }.map { name in
      var path = ""
      var rest = name[...]
      while let first = rest.first {
        let (token, length): (String, Int) =
          switch rest.prefix(2) {
          case "%%": ("%", 2)
          case "%h": (home, 2)
          case "%u": (account, 2)
          case "%U": ("\(uid)", 2)
          default: (String(first), 1)
          }
        path += token
        rest = rest.dropFirst(length)
      }
      return path.hasPrefix("/") ? path : home + "/" + path
    }
  }

  /// With the account's own rights, as sshd reads them.
  static func read(
    _ paths: [String], _ place: SSHPlace, uid: Int, gid: Int, _ provider: SSHKey, _ admin: Secret
  ) async throws(CapabilityError) -> [File] {
    guard !paths.isEmpty else { return [] }
    let text = try await provider.line.ask(place, admin, readScript, ["\(uid)", "\(gid)"] + paths)
    let lines = text.split(separator: "\n")
    // No error: what only root has a say in (RevokedKeys) is done all the same.
    guard lines.count == paths.count + 1, lines.last == "end" else {
      return paths.map { File(path: $0, state: .unanswered, link: nil, contents: [], changed: nil) }
    }
    var files: [File] = []
    for (path, line) in zip(paths, lines) {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 4, let state = File.State(rawValue: words[0]),
        let body = state == .file ? Data(base64Encoded: String(words[3].dropFirst())) : Data()
      else {
        files.append(File(path: path, state: .unanswered, link: nil, contents: [], changed: nil))
        continue
      }
      files.append(
        File(
          path: path, state: body.count > largest ? .large : state,
          link: words[1] == "-"
            ? nil : Data(base64Encoded: words[1]).map { String(decoding: $0, as: UTF8.self) },
          contents: Array(body), changed: Double(words[2]).map { Date(timeIntervalSince1970: $0) }))
    }
    return files
  }

  // MARK: what follows from it

  func lists(_ fingerprint: String) -> Bool { files.contains { $0.keys.lists(fingerprint) } }

  /// Why a key that no file lists may be let in all the same; nil: nothing speaks for it.
  func otherWay() -> String? {
    if isRevoked { return nil }
    if let file = files.first(where: { !$0.isRead }) {
      return "\(file.path) could not be read (\(file.state.rawValue))"
    }
    if let command = settings["authorizedkeyscommand"], command != "none" {
      return "AuthorizedKeysCommand \(command) may list it"
    }
    if let authority = settings["trustedusercakeys"], authority != "none" {
      return "a certificate of it that an authority of \(authority) has signed may be let in"
    }
    if let file = files.first(where: { $0.keys.keys.contains { $0.optionNames.contains("cert-authority") } })
    {
      return "a certificate of it that an authority in \(file.path) has signed may be let in"
    }
    return nil
  }

  /// The account may become root, so what the host says is its holder's word.
  var isPowerful: [String] {
    (uid == 0 ? ["uid 0"] : [])
      + groups.filter { ["root", "sudo", "wheel", "admin", "docker", "lxd", "disk", "shadow"].contains($0) }
  }
}
