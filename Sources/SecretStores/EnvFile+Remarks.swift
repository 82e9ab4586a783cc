// Text of an `.env` file that no reader takes for a value: it may hold one all the same.
extension EnvFile {
  /// Comments, lines that are no assignment, and what stands behind a value.
  struct Remark {
    /// Lines that follow each other; of an assignment only its last.
    let lines: Range<Int>
    let text: [UInt8]
    /// The end of an assignment's line.
    let isTail: Bool

    /// Whether and how it holds `secret`, also as lines that were commented out.
    func holding(_ secret: [UInt8]) -> CredentialCopy.Holding {
      let asIs = CredentialCopy(name: "", text: text).holding(secret)
      guard asIs == .nothing, secret.contains(0x0A) else { return asIs }
      let bare = text.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
        Array(line.drop { [0x20, 0x09, UInt8(ascii: "#")].contains($0) })
      }
      let joined = Array(bare.joined(separator: [0x0A]))
      // Which of the marks belong to it, nobody can tell: a person takes it out.
      return CredentialCopy(name: "", text: joined).holding(secret) == .nothing ? .nothing : .unclear
    }
  }

  /// In order.
  var remarks: [Remark] {
    var found: [Remark] = []
    var start = 0
    func add(_ range: Range<Int>) {
      guard !range.isEmpty else { return }
      found.append(
        Remark(lines: range, text: Array(lines[range].joined(separator: [0x0A])), isTail: false))
    }
    for entry in entries {
      add(start..<entry.lines.lowerBound)
      start = entry.lines.upperBound
      if !entry.tail.isEmpty {
        found.append(Remark(lines: start - 1..<start, text: entry.tail, isTail: true))
      }
    }
    add(start..<lines.count)
    return found
  }

  /// Takes `secret` out of every remark where it can be told from the text around it.
  mutating func redactRemarks(of secret: [UInt8]) {
    // From the end: the lines before stay where they are.
    for remark in remarks.reversed() {
      guard
        let text = CredentialCopy(name: "", text: remark.text).replacing(secret, with: Array("REMOVED".utf8))
      else { continue }
      replace(remark, with: text)
    }
  }
}
