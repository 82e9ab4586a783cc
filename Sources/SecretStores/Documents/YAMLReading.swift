import CYaml

/// Turns libyaml's events into a ``DocumentText``.
struct YAMLReading {
  /// What is open around an event.
  private struct Level {
    let path: DocumentPath
    let isMapping: Bool
    let isFlow: Bool
    /// An alias elsewhere may repeat it.
    let isAnchored: Bool
    /// Of its first name.
    var column = 0
    /// The name whose value comes next.
    var pending: String?
    var names: Set<String> = []
    var count = 0
    /// Where the text of its last value ends.
    var end = 0
    /// Its last value is a block, whose line ends at the end would change with what comes behind.
    var endsInBlock = false
  }

  private static let depthLimit = 200
  private let bytes: [UInt8]
  /// Character → byte; nil: every character is one byte.
  private let offsets: [Int]?
  private var document: DocumentText
  private var levels: [Level] = []
  private var documents = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    document = DocumentText(bytes)
    offsets =
      bytes.allSatisfy { $0 < 0x80 }
      ? nil : bytes.indices.filter { bytes[$0] & 0xC0 != 0x80 } + [bytes.count]
  }

  private func offset(_ mark: yaml_mark_t) -> Int {
    guard let offsets else { return min(Int(mark.index), bytes.count) }
    return Int(mark.index) < offsets.count ? offsets[Int(mark.index)] : bytes.count
  }

  mutating func read() throws(DocumentFault) -> DocumentText {
    // libyaml reads a copy that lives as long as the parser does.
    let count = bytes.count
    let text = UnsafeMutablePointer<UInt8>.allocate(capacity: count + 1)
    defer { unsafe text.deallocate() }
    for index in 0..<count { unsafe text[index] = bytes[index] }
    var parser = unsafe yaml_parser_t()
    guard unsafe yaml_parser_initialize(&parser) == 1 else {
      throw DocumentFault("there is no memory to read it", line: 1)
    }
    defer { unsafe yaml_parser_delete(&parser) }
    unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(&parser, text, count)
    while true {
      var event = unsafe yaml_event_t()
      guard unsafe yaml_parser_parse(&parser, &event) == 1 else {
        throw DocumentFault("it is no YAML", line: unsafe Int(parser.problem_mark.line) + 1)
      }
      defer { unsafe yaml_event_delete(&event) }
      if unsafe event.type == YAML_STREAM_END_EVENT { break }
      try unsafe take(event)
    }
    if document.gaps.isEmpty, document.leaves.isEmpty, document.collections.isEmpty {
      let end = YAMLFormat.lineEnd(of: bytes)
      let isOpen = bytes.last.map { $0 != 0x0A } ?? false
      document.gaps[DocumentPath([])] = .init(offset: count, before: isOpen ? end : [], after: end)
    }
    return document
  }

  private mutating func take(_ event: yaml_event_t) throws(DocumentFault) {
    let line = unsafe Int(event.start_mark.line) + 1
    let range = unsafe offset(event.start_mark)..<max(offset(event.start_mark), offset(event.end_mark))
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT:
      documents += 1
      guard documents == 1 else {
        throw DocumentFault("a second document begins: one file, one document", line: line)
      }
    case YAML_ALIAS_EVENT:
      let path = try pathOfValue(line)
      add(
        .init(path: path, value: [], range: range, style: .fixed(because: "it is an alias of another value")))
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let value = unsafe Array(UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length)))
      let style = unsafe style(
        scalar.style, value, at: range, isTagged: scalar.tag != nil, isAnchored: scalar.anchor != nil)
      let isBlock = unsafe [YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE].contains(scalar.style)
      try self.scalar(value, style, range, unsafe Int(event.start_mark.column), isBlock: isBlock, line)
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      try unsafe open(
        isMapping: true, isFlow: start.style == YAML_FLOW_MAPPING_STYLE, isAnchored: start.anchor != nil, line
      )
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      try unsafe open(
        isMapping: false, isFlow: start.style == YAML_FLOW_SEQUENCE_STYLE, isAnchored: start.anchor != nil,
        line)
    case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT: close(range)
    default: break  // the stream's and the document's own marks
    }
  }

  private mutating func pathOfValue(_ line: Int) throws(DocumentFault) -> DocumentPath {
    guard let top = levels.indices.last else { return DocumentPath([]) }
    guard levels[top].isMapping else {
      levels[top].count += 1
      return levels[top].path.appending("\(levels[top].count - 1)")
    }
    guard let pending = levels[top].pending else { throw DocumentFault("a name that is no text", line: line) }
    levels[top].pending = nil
    return levels[top].path.appending(pending)
  }

  private mutating func scalar(
    _ value: [UInt8], _ style: DocumentText.Style, _ range: Range<Int>, _ column: Int, isBlock: Bool,
    _ line: Int
  ) throws(DocumentFault) {
    if let top = levels.indices.last, levels[top].isMapping, levels[top].pending == nil {
      let name = String(decoding: value, as: UTF8.self)
      guard levels[top].names.insert(name).inserted else {
        throw DocumentFault("a name stands twice in one mapping", line: line)
      }
      if levels[top].names.count == 1 { levels[top].column = column }
      levels[top].pending = name
      document.names.append(.init(path: levels[top].path.appending(name), text: value, range: range))
      levels[top].end = range.upperBound
      return
    }
    let path = try pathOfValue(line)
    var (value, range) = (value, range)
    if case .block(let header, _) = style {
      // Its line ends at the end are said by the header, and belong to nobody's secret.
      while value.last == 0x0A { value.removeLast() }
      var end = range.upperBound
      while end > range.lowerBound + header.count, [0x0A, 0x0D, 0x20].contains(bytes[end - 1]) { end -= 1 }
      range = range.lowerBound..<end
    }
    add(.init(path: path, value: value, range: range, style: style))
    if let top = levels.indices.last { levels[top].endsInBlock = isBlock }
  }

  private mutating func add(_ leaf: DocumentText.Leaf) {
    document.leaves.append(leaf)
    guard let top = levels.indices.last else { return }
    levels[top].end = max(levels[top].end, leaf.range.upperBound)
    levels[top].endsInBlock = false
  }

  private func style(
    _ style: yaml_scalar_style_t, _ value: [UInt8], at range: Range<Int>, isTagged: Bool, isAnchored: Bool
  ) -> DocumentText.Style {
    if isAnchored { return .fixed(because: "it has an anchor: aliases elsewhere would change with it") }
    if levels.contains(where: \.isAnchored) {
      return .fixed(because: "it stands under an anchor: aliases elsewhere would change with it")
    }
    if isTagged { return .fixed(because: "it has a tag, and only its reader knows what it means") }
    switch style {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return .single
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return .double
    case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE:
      let text = bytes[range]
      let first = (text.firstIndex(of: 0x0A) ?? range.upperBound - 1) + 1
      var line = first
      while line < range.upperBound {
        let end = bytes[line..<range.upperBound].firstIndex(of: 0x0A) ?? range.upperBound
        let margin = bytes[line..<end].prefix { $0 == 0x20 }.count
        if line + margin < end, bytes[line + margin] != 0x0D {
          return .block(header: Array(bytes[range.lowerBound..<first]), indentation: margin)
        }
        line = end + 1
      }
      return .fixed(because: "it is an empty block")
    default:
      return YAMLFormat.isOtherThanText(String(decoding: value, as: UTF8.self))
        ? .fixed(because: "it is no text for its readers, but a number, a date, a truth value or nothing")
        : .bare
    }
  }

  private mutating func open(isMapping: Bool, isFlow: Bool, isAnchored: Bool, _ line: Int)
    throws(DocumentFault)
  {
    guard levels.count < Self.depthLimit else { throw DocumentFault("it is nested too deeply", line: line) }
    let path = try pathOfValue(line)
    document.collections.insert(path)
    if !isMapping { document.lists.insert(path) }
    levels.append(Level(path: path, isMapping: isMapping, isFlow: isFlow, isAnchored: isAnchored))
  }

  private mutating func close(_ range: Range<Int>) {
    guard let level = levels.popLast() else { return }
    let end = level.isFlow ? range.upperBound : level.end
    if let top = levels.indices.last {
      levels[top].end = max(levels[top].end, end)
      levels[top].endsInBlock = level.endsInBlock
    }
    guard level.isMapping, !level.isFlow, !level.isAnchored, !level.endsInBlock,
      !levels.contains(where: \.isAnchored),
      !levels.contains(where: \.isFlow)
    else { return }
    // Behind the last value's line, whose comment stays with it.
    var offset = end
    while offset < bytes.count, bytes[offset] != 0x0A { offset += 1 }
    if offset > end, bytes[offset - 1] == 0x0D { offset -= 1 }
    let margin = [UInt8](repeating: 0x20, count: level.column)
    document.gaps[level.path] = .init(
      offset: offset, before: YAMLFormat.lineEnd(of: bytes) + margin, after: [])
  }
}
