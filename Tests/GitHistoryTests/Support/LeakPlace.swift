import Foundation
import Secrets

/// A place in a repository where a secret may stand, and how to put it there with plain Git.
enum LeakPlace: String, CaseIterable, Sendable {
  case blob, removedLater, blobWithNul, crlf, symbolicLink, executable
  case utf16LittleEndian, utf16BigEndian, base64, base64Shifted1, base64Shifted2, base64URL, base64Wrapped
  case percentEncoded, jsonEscaped, hexadecimal, notebookLines
  case fileName, directoryName, authorName, authorEmail, committerName, commitMessage, mergeMessage
  case tagMessage, taggerName, tagName, nestedTag, branchName, tagOfBlob, tagOfTree, annotatedTagOfTree
  case notes, stash, stagedOnly, reflogOnly, reflogMessage, unreachableBlob, replaceReference
  case linkedWorkTree, detachedHead, configAddress, hook, untrackedFile, ignoredFile, commitDraft, fetchHead
  case contentOfLargeFile

  /// The value; with characters that the encodings change.
  static let secret = "p@ss/" + "w\"rd" + "+Zq7\\Lm==" + "3xK9vTn2"
  private var secret: String { LeakPlace.secret }
  private var bytes: [UInt8] { Array(secret.utf8) }
  /// Git forbids some of the secret's characters in names.
  static let nameSecret = "tok-" + "Zq7Lm3xK9vTn2Rb5"

  /// The secrets to remove.
  static let secrets = [secret, nameSecret]

  /// Bytes that must stand nowhere in the repository afterwards (outside of the undo vault).
  var needles: [[UInt8]] {
    let name = Array(LeakPlace.nameSecret.utf8)
    switch self {
    case .utf16LittleEndian: return [bytes.flatMap { [$0, 0] }]
    case .utf16BigEndian: return [bytes.flatMap { [0, $0] }]
    case .base64, .base64Wrapped: return [Array(Data(bytes).base64EncodedData().prefix(20))]
    case .base64Shifted1: return [Array(Data(Array("x".utf8) + bytes).base64EncodedData()[4..<28])]
    case .base64Shifted2: return [Array(Data(Array("xy".utf8) + bytes).base64EncodedData()[4..<28])]
    case .base64URL: return [Array(urlSafe(Data(bytes)).utf8.prefix(20))]
    case .percentEncoded: return [Array(percent.utf8)]
    case .jsonEscaped, .configAddress: return [Array(json.utf8)]
    case .hexadecimal: return [Array(Hex.text(bytes).utf8)]
    case .notebookLines: return [Array(secret.utf8.suffix(10))]
    case .fileName, .directoryName, .tagName, .branchName: return [name]
    default: return [bytes]
    }
  }

  /// Left as it is on purpose, and reported with a fix.
  var isReported: Bool {
    switch self {
    case .configAddress, .hook, .untrackedFile, .ignoredFile, .contentOfLargeFile: true
    default: false
    }
  }

  private var json: String { secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
  private var percent: String {
    secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._~")))
      ?? ""
  }
  private func urlSafe(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
  }

  /// Puts it into a repository that has two commits.
  func plant(in git: Git) throws {
    let line = "key = \(secret)\n"
    switch self {
    case .blob: try file("a.txt", line, git)
    case .removedLater:
      try file("a.txt", line, git)
      try file("a.txt", "nothing\n", git)
    case .blobWithNul:
      try git.write("a.bin", [0, 1, 2, 0] + bytes + [0, 9])
      try git.commit()
    case .crlf: try file("a.txt", "one\r\n\(line)\r\ntwo\r\n", git)
    case .symbolicLink:
      try FileManager.default.createSymbolicLink(
        atPath: git.path + "/link", withDestinationPath: "to-\(LeakPlace.secret.replacing("/", with: "/"))")
      try git.commit()
    case .executable:
      try file("run.sh", "#!/bin/sh\nexport K='\(secret)'\n", git)
      try git("update-index", "--chmod=+x", "run.sh")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: git.path + "/run.sh")
      try git("commit", "-q", "-m", "mode")
    case .utf16LittleEndian:
      try git.write("a.txt", [0xFF, 0xFE] + line.utf8.flatMap { [$0, 0] })
      try git.commit()
    case .utf16BigEndian:
      try git.write("a.txt", [0xFE, 0xFF] + line.utf8.flatMap { [0, $0] })
      try git.commit()
    case .base64: try file("s.yaml", "token: \(Data(bytes).base64EncodedString())\n", git)
    case .base64Shifted1:
      try file("s.yaml", "t: \(Data(Array("x".utf8) + bytes + [0x21]).base64EncodedString())\n", git)
    case .base64Shifted2:
      try file("s.yaml", "t: \(Data(Array("xy".utf8) + bytes + [0x21]).base64EncodedString())\n", git)
    case .base64URL: try file("s.txt", "t=\(urlSafe(Data(bytes)))\n", git)
    case .base64Wrapped:
      let text = Data([UInt8](repeating: 0x41, count: 51) + bytes).base64EncodedString(
        options: .lineLength64Characters)
      try file("s.pem", text + "\n", git)
    case .percentEncoded: try file("u.txt", "postgres://u:\(percent)@h/d\n", git)
    case .jsonEscaped: try file("j.json", "{\"k\": \"\(json)\"}\n", git)
    case .hexadecimal: try file("h.txt", Hex.text(bytes) + "\n", git)
    case .notebookLines:
      let cut = secret.index(secret.endIndex, offsetBy: -10)
      let first = String(secret[..<cut]).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      try file("n.ipynb", "{\"text\": [\n  \"key \(first)\",\n  \"\(secret[cut...])\"\n ]}\n", git)
    case .fileName: try file("backup-\(LeakPlace.nameSecret).txt", "x\n", git)
    case .directoryName: try file("d/\(LeakPlace.nameSecret)/x.txt", "x\n", git)
    case .authorName: try git.commit("c", "--author", "A \(secret) <a@example.org>")
    case .authorEmail: try git.commit("c", "--author", "A <\(secret)@example.org>")
    case .committerName:
      var other = git
      other.more["GIT_COMMITTER_NAME"] = "C \(secret)"
      try other.commit()
    case .commitMessage: try git.commit("rotate \(secret)\n\nbody \(secret)")
    case .mergeMessage:
      try git("checkout", "-q", "-b", "side", "HEAD~1")
      try git.commit("side")
      try git("checkout", "-q", "main")
      try git("merge", "-q", "--no-ff", "-m", "merge \(secret)", "side")
    case .tagMessage: try git("tag", "-a", "-m", "m \(secret)", "v1")
    case .taggerName:
      var other = git
      other.more["GIT_COMMITTER_NAME"] = "T \(secret)"
      try other("tag", "-a", "-m", "m", "v1")
    case .tagName: try git("tag", "v-\(LeakPlace.nameSecret)")
    case .nestedTag:
      try git("tag", "-a", "-m", "m \(secret)", "inner")
      try git("tag", "-a", "-m", "outer", "outer", "inner")
    case .branchName: try git("branch", "fix/\(LeakPlace.nameSecret)")
    case .tagOfBlob:
      let blob = try git(["hash-object", "-w", "--stdin"], input: Array(line.utf8))
      try git("tag", "blob", blob)
    case .tagOfTree: try git("tag", "tree", try tree(line, git))
    case .annotatedTagOfTree: try git("tag", "-a", "-m", "t", "tree", try tree(line, git))
    case .notes: try git("notes", "add", "-m", "note \(secret)", "HEAD")
    case .stash:
      try git.write("README", "changed \(secret)\n")
      try git("stash", "-q")
      try git.write("README", "again \(secret)\n")
      try git("stash", "-q")
    case .stagedOnly:
      try git.write("s.txt", line)
      try git("add", "s.txt")
      try git("commit", "-q", "-m", "s")
      try git("rm", "-q", "--cached", "s.txt")
      try git("commit", "-q", "-m", "not in the tree")
      try FileManager.default.removeItem(atPath: git.path + "/s.txt")
    case .reflogOnly:
      try file("a.txt", line, git)
      try git("reset", "-q", "--hard", "HEAD~1")
    case .reflogMessage:
      try git("update-ref", "-m", "note \(secret)", "refs/heads/main", "HEAD~1", "HEAD")
      try git("reset", "-q", "--hard")
    case .unreachableBlob: try git(["hash-object", "-w", "--stdin"], input: Array(line.utf8))
    case .replaceReference:
      let new = try git(["commit-tree", "HEAD^{tree}", "-p", "HEAD~1", "-m", "replacement \(secret)"])
      try git("replace", "HEAD", new)
    case .linkedWorkTree:
      try git("worktree", "add", "-q", "-b", "linked", git.path + "-linked")
      try file("a.txt", line, Git(path: git.path + "-linked"))
    case .detachedHead:
      try git("checkout", "-q", "--detach")
      try file("a.txt", line, git)
    case .configAddress: try git("config", "remote.origin.url", "https://u:\(secret)@git.example.org/r.git")
    case .hook: try git.write(".git/hooks/pre-push", "#!/bin/sh\n# \(secret)\n")
    case .untrackedFile: try git.write("notes.txt", line)
    case .ignoredFile:
      try file(".gitignore", ".env\n", git)
      try git.write(".env", line)
    case .contentOfLargeFile:
      // A Git LFS pointer in the tree; what it points to lies beside the objects.
      let name = String(repeating: "ab12", count: 16)
      try file(
        "big.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:\(name)\nsize \(line.utf8.count)\n", git)
      try git.write(".git/lfs/objects/ab/12/\(name)", line)
    case .commitDraft: try git.write(".git/COMMIT_EDITMSG", "draft \(secret)\n")
    case .fetchHead:
      let head = try git("rev-parse", "HEAD")
      try git.write(".git/FETCH_HEAD", "\(head)\t\tbranch 'x' of https://u:\(secret)@git.example.org/r\n")
    }
  }

  private func file(_ name: String, _ text: String, _ git: Git) throws {
    try git.write(name, text)
    try git.commit("add a file")
  }

  private func tree(_ line: String, _ git: Git) throws -> String {
    let blob = try git(["hash-object", "-w", "--stdin"], input: Array(line.utf8))
    return try git(["mktree"], input: Array("100644 blob \(blob)\tsecret.txt\n".utf8))
  }
}
