/// What a file is for: who wrote the copy, and so what to do about it.
public enum CopyKind: String, Sendable, Hashable {
  case file
  case environmentFile = "environment file"
  case notebook
  case shellHistory = "shell history"
  case agentTranscript = "agent transcript"
  case agentSettings = "MCP settings"
  case bytecode
  case terraformState = "Terraform state"
  case terraformPlan = "Terraform plan"
  case database
  case archive
  case image = "image layer"
  case link

  /// What to do about a copy of this kind. It is never done from here.
  var fix: String {
    switch self {
    case .file: "take it out of the file, or delete the file; ask who else has a copy of it"
    case .environmentFile:
      "put a reference in its place, restart what reads it; named as a store in staunch.yaml, a run changes it"
    case .notebook: "clear the outputs, save it, and delete its checkpoints (.ipynb_checkpoints)"
    case .shellHistory: "delete the line, and end the shells that are open: they write it again at their end"
    case .agentTranscript:
      "delete the transcript: it is read again when the session is resumed, and its provider may keep a copy"
    case .agentSettings: "put a reference to an environment variable in its place, and restart the agent"
    case .bytecode: "delete it; it is compiled again from its source, which had the value when it was made"
    case .terraformState:
      "move the value to a write-only argument, apply, then delete old versions and backups of the state"
    case .terraformPlan: "delete the plan; a saved plan holds the state and all variables"
    case .database: "delete the row, then VACUUM; with a write-ahead log: PRAGMA wal_checkpoint(TRUNCATE)"
    case .archive: "make it again without the value, and delete it where it was published or copied to"
    case .image:
      "build the image again without the value (a later layer only hides it), and delete the old one at its registry"
    case .link: "make the link again without the value"
    }
  }

  /// By the path of a file, or, within an archive, of a member.
  init(path: [UInt8]) {
    let text = String(decoding: path, as: UTF8.self).lowercased()
    let name = text.split(separator: "/").last.map { String($0) } ?? text
    if Self.histories.contains(name) {
      self = .shellHistory
    } else if Self.settings.contains(where: { text.hasSuffix("/" + $0) || text == $0 }) {
      self = .agentSettings
    } else if Self.transcripts.contains(where: { ("/" + text).contains($0) }) {
      self = .agentTranscript
    } else if name == ".env" || name.hasPrefix(".env.") || name.hasSuffix(".env") || name == ".envrc" {
      self = .environmentFile
    } else if name.hasSuffix(".ipynb") {
      self = .notebook
    } else if name.hasSuffix(".pyc") {
      self = .bytecode
    } else if name.contains(".tfstate") {
      self = .terraformState
    } else if name.hasSuffix(".tfplan") || name == "tfplan" {
      self = .terraformPlan
    } else if text.contains("blobs/sha256/") || text.contains("/manifests/sha256:") || name == "layer.tar" {
      self = .image
    } else if [".sqlite", ".sqlite3", ".db", "-wal", "-journal"].contains(where: { name.hasSuffix($0) }) {
      self = .database
    } else {
      self = .file
    }
  }

  private static let histories: Set<String> = [
    ".bash_history", ".zsh_history", ".zhistory", ".histfile", ".sh_history", ".history", "fish_history",
    ".python_history", ".node_repl_history", ".psql_history", ".mysql_history", ".mariadb_history",
    ".rediscli_history", ".sqlite_history", ".irb_history", ".lesshst", ".wget-hsts", ".viminfo",
    "consolehost_history.txt",
  ]
  private static let settings = [
    ".mcp.json", "mcp.json", "mcp_config.json", "mcp_settings.json", "cline_mcp_settings.json",
    "claude_desktop_config.json", ".claude.json", ".claude/settings.json", ".claude/settings.local.json",
    ".codex/config.toml", ".gemini/settings.json", "opencode.json",
  ]
  private static let transcripts = [
    "/.claude/projects/", "/.claude/history", "/.claude/todos/", "/.claude/shell-snapshots/",
    "/.codex/sessions/",
    "/.codex/history", "/.codex/log/", "/.gemini/tmp/", "/.cursor/", "/.continue/sessions/", "/.aider.",
    "/opencode/storage/", "/.copilot/", "/.windsurf/", "/.codeium/",
  ]
}
