import Secrets

extension SecretPatterns {
  /// A file for filter-repo's `--replace-text`: one expression a line, `literal:` (assumed), `regex:`, `glob:`,
  /// replacement after the last `==>`.
  /// - Parameter searchesEveryForm: literals are searched as secrets, in every form.
  /// - Throws: `.badPattern` naming the line, not its text: for one that would find nothing, and "nothing" would read as
  ///   "clean"; for a file in which there is none.
  public static func expressions(
    replaceText file: [UInt8], searchesEveryForm: Bool = true
  ) throws(GitObjectsError) -> [Expression] {
    var result: [Expression] = []
    let lines = try ExpressionsText.utf8(file).split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      var text = Array(line)
      let number = index + 1
      while text.last == 0x0D { text.removeLast() }
      guard !text.isEmpty else { continue }  // as filter-repo does
      guard !text.contains(0x0D) else {
        throw odd(
          line: number, "it holds a carriage return, as files with the line ends of old Macs do",
          fix: "tr '\\r' '\\n' < FILE > NEW")
      }
      var replacement = Array(defaultReplacement.utf8)
      if let arrow = lastArrow(in: text) {
        replacement = Array(text[(arrow + 3)...])
        text = Array(text[..<arrow])
      }
      if let source = text.without(prefix: "regex:") {
        guard !source.isEmpty else { throw nothing(line: number) }
        result.append(Expression(.regex(secret(source)), replacement: replacement, line: number))
      } else if let source = text.without(prefix: "glob:") {
        guard !source.isEmpty else { throw nothing(line: number) }
        result.append(
          Expression(.regex(secret(expression(glob: source))), replacement: replacement, line: number))
      } else {
        let literal = text.without(prefix: "literal:") ?? text
        guard !literal.isEmpty else { throw nothing(line: number) }
        result.append(
          Expression(
            searchesEveryForm ? .secret(secret(literal)) : .literal(secret(literal)),
            replacement: replacement, line: number))
      }
    }
    guard !result.isEmpty else {
      throw GitObjectsError(
        .badPattern, what: "the file of expressions", why: "it holds none, so nothing would be searched",
        fix: "write one expression a line")
    }
    return result
  }

  /// filter-repo passes over such a line; here a person would believe that it was searched.
  private static func nothing(line: Int) -> GitObjectsError {
    odd(
      line: line, "it names nothing to look for, only a prefix or a replacement",
      fix: "write the value before ==>, or remove the line")
  }

  private static func odd(line: Int, _ why: String, fix: String) -> GitObjectsError {
    GitObjectsError(.badPattern, what: "line \(line) of the file of expressions", why: why, fix: fix)
  }

  private static func secret(_ bytes: [UInt8]) -> Secret { Secret(SecretBytes(copying: bytes)) }

  private static func lastArrow(in line: [UInt8]) -> Int? {
    guard line.count >= 3 else { return nil }
    return (0...(line.count - 3)).last { line[$0] == 0x3D && line[$0 + 1] == 0x3D && line[$0 + 2] == 0x3E }
  }

  /// `*` is any run of bytes but not of line feeds, `?` one byte, `[…]` a class; as filter-repo's `glob_to_regex`.
  static func expression(glob: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var position = 0
    while position < glob.count {
      let byte = glob[position]
      position += 1
      switch byte {
      case 0x2A: result += Array(".*".utf8)
      case 0x3F: result += Array(".".utf8)
      case 0x5B:
        guard let close = glob[position...].dropFirst().firstIndex(of: 0x5D) else {
          result += Array("\\[".utf8)
          continue
        }
        var body = Array(glob[position..<close])
        if body.first == 0x21 { body[0] = 0x5E }
        result += [0x5B] + body.flatMap { $0 == 0x5C ? [0x5C, 0x5C] : [$0] } + [0x5D]
        position = close + 1
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x80...0xFF: result.append(byte)
      case 0x0A: result += Array("\\n".utf8)
      default: result += [0x5C, byte]
      }
    }
    return result
  }
}

extension [UInt8] {
  fileprivate func without(prefix: String) -> [UInt8]? {
    starts(with: prefix.utf8) ? Array(dropFirst(prefix.utf8.count)) : nil
  }
}
