import Capabilities
import Secrets

/// What is to be written to a document, and what it must read as afterwards.
struct DocumentChange {
  private let document: DocumentText
  private let format: any DocumentFormat.Type
  /// By the place in ``DocumentText/leaves``.
  private var exchanged: [Int: [UInt8]] = [:]
  private var added: [(path: DocumentPath, value: [UInt8])] = []
  private var remarks: [(range: Range<Int>, bytes: [UInt8])] = []

  init(_ document: DocumentText, _ format: any DocumentFormat.Type) {
    self.document = document
    self.format = format
  }

  /// Whether anything changes.
  var isOne: Bool { !exchanged.isEmpty || !added.isEmpty || !remarks.isEmpty }

  /// The values that change, with what they become.
  var values: [(path: DocumentPath, value: [UInt8])] {
    exchanged.keys.sorted().map { (document.leaves[$0].path, exchanged[$0] ?? []) } + added
  }

  /// The paths of ``values``.
  var written: [DocumentPath] { exchanged.keys.sorted().map { document.leaves[$0].path } + added.map(\.path) }

  /// - Parameter leaf: what stands there; nil: the entry is added.
  mutating func set(
    _ path: DocumentPath, at leaf: DocumentText.Leaf?, to value: [UInt8], _ operation: String
  ) throws(CapabilityError) {
    guard let leaf,
      let index = document.leaves.firstIndex(where: { $0.range == leaf.range && $0.path == path })
    else {
      guard !document.collections.contains(path), document.gaps[path.parent] != nil else {
        throw CapabilityError(
          .configuration, operation,
          because: document.collections.contains(path)
            ? "\(path) is a list or a mapping" : "there is no mapping that \(path.last) can be added to",
          fix: "check the key in staunch.yaml, or write the entry into the file")
      }
      added.append((path, value))
      return
    }
    guard leaf.value != value else { return }
    if case .fixed(let because) = leaf.style {
      throw CapabilityError(
        .unsupported, operation, because: "\(path) cannot be exchanged: \(because)",
        fix: "change it in the file so that it is a text of its own, then: staunch resume")
    }
    exchanged[index] = value
  }

  /// What else holds a value that `entry` succeeds. - Parameter spared: paths that stay.
  mutating func follow(_ entry: StoreEntry, sparing spared: Set<String>) {
    let new = entry.secret.exposeAsBytes()
    for old in entry.old.map({ $0.exposeAsBytes() }) {
      for (index, leaf) in document.leaves.enumerated()
      where !spared.contains(leaf.path.description) && !leaf.style.isFixed {
        let copy = CredentialCopy(name: leaf.path.last, text: exchanged[index] ?? leaf.value)
        guard copy.holding(old) == .replaceable, let whole = copy.replacing(old, with: new),
          format.written(whole, like: leaf) != nil
        else { continue }
        exchanged[index] = whole
      }
      redact(old)
    }
  }

  private mutating func redact(_ old: [UInt8]) {
    for range in document.remarks {
      let place = remarks.firstIndex { $0.range == range }
      let text = place.map { remarks[$0].bytes } ?? Array(document.bytes[range])
      guard let clean = CredentialCopy(name: "", text: text).replacing(old, with: Array("REMOVED".utf8))
      else {
        continue
      }
      if let place { remarks[place].bytes = clean } else { remarks.append((range, clean)) }
    }
  }

  /// - Throws: `.invalid` for a value that the format cannot write.
  func result(_ operation: String) throws(CapabilityError) -> [UInt8] {
    func unwritable(_ path: DocumentPath) -> CapabilityError {
      CapabilityError(
        .invalid, operation,
        because: "\(format.name) has no spelling of the value for \(path) that every reader takes alike",
        fix: "have a value made of letters, digits, - and _")
    }
    var edits = remarks
    for (index, value) in exchanged {
      let leaf = document.leaves[index]
      guard let text = format.written(value, like: leaf) else { throw unwritable(leaf.path) }
      edits.append((leaf.range, text))
    }
    // Several into one mapping stand behind each other, in their order.
    var behind: [Int: [UInt8]] = [:]
    // Where an inner mapping ends, the outer one goes on.
    for (path, value) in added.sorted(by: { $0.path.steps.count > $1.path.steps.count }) {
      guard let gap = document.gaps[path.parent], let label = format.label(path.last),
        let text = format.written(value, like: nil)
      else { throw unwritable(path) }
      let isFirst = behind[gap.offset] == nil
      // In braces that are still empty, the second entry needs the comma that the first one did not.
      let comma: [UInt8] = !isFirst && gap.before.isEmpty && gap.after.isEmpty ? Array(", ".utf8) : []
      behind[gap.offset, default: []] += comma + gap.before + label + text + gap.after
    }
    for (offset, text) in behind {
      // A remark that begins or goes on there takes the addition in.
      if let place = edits.firstIndex(where: { $0.range.lowerBound < offset && offset < $0.range.upperBound })
      {
        throw CapabilityError(
          .unsafe, operation,
          because:
            "a comment with the old value stands where the new entry goes (\(edits[place].range.count) bytes)",
          fix: "take it out of the file, then: staunch resume")
      }
      edits.append((offset..<offset, text))
    }
    return document.applying(edits)
  }

  /// - Throws: `.unsafe` when `after` does not read as meant: the new values, and every other one as it was.
  func check(_ after: DocumentText, _ operation: String) throws(CapabilityError) {
    var wanted: [DocumentPath: [[UInt8]]] = [:]
    for (index, leaf) in document.leaves.enumerated() {
      wanted[leaf.path, default: []].append(exchanged[index] ?? leaf.value)
    }
    for (path, value) in added { wanted[path, default: []].append(value) }
    var found: [DocumentPath: [[UInt8]]] = [:]
    for leaf in after.leaves { found[leaf.path, default: []].append(leaf.value) }
    let isText = after.leaves.allSatisfy { leaf in
      !written.contains(leaf.path) || !leaf.style.isFixed
    }
    guard wanted == found, isText else {
      throw CapabilityError(
        .unsafe, operation, because: "the value, or another one, would not read back from the file",
        fix: "write the entry into the file by hand, then: staunch resume")
    }
  }
}
