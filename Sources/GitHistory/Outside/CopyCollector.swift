import Capabilities
import GitObjects
import Secrets

/// Gathers what a search outside of Git finds, in the words of the answer. Names are a stranger's: values and control
/// characters are taken out of all of them.
final class CopyCollector: ContentListener {
  private(set) var places: [FoundCopy] = []
  private(set) var notSearched: [HistoryUnsearched] = []
  private(set) var repositories: [String] = []
  private(set) var files = 0
  private(set) var bytes = 0

  private let patterns: SecretPatterns
  private let cleaning: PathCleaning
  private let passed: (Int) -> Void
  private var file = PathBytes("")
  private var fileName = ""
  /// What takes away a document that is no file, besides what is done about its kind.
  private var removal: String?

  /// Of places, and of what was not searched: a log with the value in every line would fill the memory.
  static let most = 20_000

  /// - Parameter passed: hears how many bytes of the file were looked at.
  init(_ patterns: SecretPatterns, passed: @escaping (Int) -> Void) {
    self.patterns = patterns
    cleaning = PathCleaning(patterns: patterns)
    self.passed = passed
  }

  /// What is told from now on is told of `path`, a file's or a document's address.
  func begin(_ path: PathBytes, version: String? = nil, removal: String? = nil) {
    file = path
    fileName = cleaning.shown(path.bytes) + (version.map { " (\(cleaning.shown(Array($0.utf8))))" } ?? "")
    self.removal = removal
    files += 1
  }

  private func fix(_ text: String) -> String { removal.map { "\(text); \($0)" } ?? text }

  func repository(_ path: PathBytes) { repositories.append(cleaning.shown(path.bytes)) }

  /// A name or the target of a link.
  func look(at text: [UInt8], of path: PathBytes, _ part: String) throws(GitObjectsError) {
    guard let hit = try patterns.hits(in: text).first else { return }
    let kind: CopyKind = part == "link" ? .link : .file
    add(
      FoundCopy(
        path: cleaning.shown(path.bytes), kind: kind, part: part, line: nil, form: hit.form.rawValue,
        pattern: hit.pattern, resource: nil,
        fix: part == "link" ? kind.fix : fix("rename it: its name holds the value")))
  }

  func leave(_ path: PathBytes, _ why: String) { note(cleaning.shown(path.bytes), why) }

  private func note(_ place: String, _ why: String) {
    // What breaks is met by whoever reads on.
    if let last = notSearched.last, last.place == place, last.why == why { return }
    if notSearched.count < Self.most {
      notSearched.append(HistoryUnsearched(place: place, why: why))
    } else if notSearched.count == Self.most {
      notSearched.append(HistoryUnsearched(place: "further places", why: "there are too many to list"))
    }
  }

  private func add(_ place: FoundCopy) {
    if places.count < Self.most {
      places.append(place)
    } else {
      // Said once: what was found already decides.
      let said = HistoryUnsearched(
        place: "further places", why: "more than \(Self.most) were found; they are not listed")
      if notSearched.last != said { notSearched.append(said) }
    }
  }

  // MARK: ContentListener

  func found(_ hit: SecretPatterns.TextHit, _ part: ContentPart, in trail: [[UInt8]]) {
    let kind = part == .pages && trail.isEmpty ? .database : kind(trail)
    // Lines of compressed and binary files say nothing to anybody.
    let hasLine = part == .content && kind != .database && kind != .bytecode
    add(
      FoundCopy(
        path: shown(trail), kind: kind, part: part.rawValue, line: hasLine ? hit.line : nil,
        form: hit.form.rawValue, pattern: hit.pattern, resource: nil, fix: fix(kind.fix)))
  }

  func tells(
    _ hits: [SecretPatterns.TextHit], in text: UnsafeBufferPointer<UInt8>, at trail: [[UInt8]]
  ) -> Bool {
    guard let document = TerraformDocument(text) else { return false }
    let own: CopyKind = document.kind == .plan ? .terraformPlan : .terraformState
    let kind = trail.isEmpty ? own : self.kind(trail)
    var found: [FoundCopy] = []
    var count = 0
    var isWhole = true
    document.forEachLeaf { leaf in
      let inside: [SecretPatterns.TextHit]
      do throws(GitObjectsError) { inside = try patterns.hits(in: Array(leaf.text.utf8)) } catch {
        isWhole = false
        return
      }
      guard let first = inside.first else { return }
      count += inside.count
      let place = TerraformPlace(
        address: cleaning.shown(Array(leaf.place.address.utf8)),
        attribute: cleaning.shown(Array(leaf.place.attribute.utf8)),
        type: leaf.place.type.map { cleaning.shown(Array($0.utf8)) })
      found.append(
        FoundCopy(
          path: shown(trail), kind: kind, part: "resource", line: nil, form: first.form.rawValue,
          pattern: first.pattern, resource: place,
          fix: fix(TerraformAdvice.fix(place, in: kind == .terraformPlan ? .plan : document.kind))))
    }
    for place in found { add(place) }
    // What stands in no attribute is told by its line.
    return isWhole && count >= hits.count
  }

  func notSearched(_ why: String, in trail: [[UInt8]]) { note(shown(trail), why) }

  func passed(_ count: Int) {
    bytes += count
    passed(count)
  }

  private func shown(_ trail: [[UInt8]]) -> String {
    ([fileName] + trail.map { cleaning.shown($0) }).joined(separator: "!")
  }

  private func kind(_ trail: [[UInt8]]) -> CopyKind {
    let own = CopyKind(path: file.bytes)
    guard let first = trail.first else { return own }
    if own == .image || own == .terraformPlan { return own }
    // What `docker save` writes has its layers under these names.
    return trail.count > 1 && CopyKind(path: first) == .image ? .image : .archive
  }
}
