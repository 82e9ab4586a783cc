/// A parsed reference to a secret: `env:NAME`, `file:path`, `fd:N`, `-`, `prompt` or `prompt:what`. A plain value is refused: it
/// would stand in a file, an argument or a log.
public enum SecretReference: Sendable, CustomStringConvertible {
  case environment(String)
  case file(String)
  case descriptor(Int32)
  case prompt(String?)

  /// - Throws: `.configuration`; the text is never repeated, since it may be the secret itself.
  public init(_ text: String) throws(CapabilityError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let rest = parts.count == 2 ? String(parts[1]) : nil
    switch (parts.first.map(String.init), rest) {
    case ("env", let name?) where Self.isName(name): self = .environment(name)
    case ("file", let path?) where !path.isEmpty: self = .file(path)
    case ("fd", let number?):
      guard let descriptor = Int32(number), descriptor >= 0 else {
        throw CapabilityError(
          .configuration, "secret reference fd:", because: "what follows is not a descriptor's number",
          fix: "write for example fd:3 and start with 3<file")
      }
      self = .descriptor(descriptor)
    case ("-", nil): self = .descriptor(0)
    case ("prompt", let what): self = .prompt(what)
    default:
      throw CapabilityError(
        .configuration, "secret reference",
        because: "it is not a reference; a plain secret would stand in files, arguments and logs",
        fix:
          "write env:NAME, file:/path, fd:3, - or prompt; out of a vault: - and the vault's own command piped in"
      )
    }
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
    }
  }

  public var description: String {
    switch self {
    case .environment(let name): "env:\(name)"
    case .file(let path): "file:\(path)"
    case .descriptor(let number): number == 0 ? "standard input" : "fd:\(number)"
    case .prompt: "prompt"
    }
  }

  /// How to put the secret there.
  public var fix: String {
    switch self {
    case .environment(let name):
      "set \(name) in the shell that starts staunch, for example: read -rs \(name) && export \(name)"
    case .file(let path): "write the secret to \(path), mode 0600"
    case .descriptor(let number):
      number == 0 ? "pipe the secret into the same command" : "start with \(number)<file"
    case .prompt: "type it on the terminal"
    }
  }
}
