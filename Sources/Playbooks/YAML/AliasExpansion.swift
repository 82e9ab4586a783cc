import CYaml

/// Counts the nodes of a document as if its aliases were written out, before Yams composes it.
///
/// Yams compares the keys of a mapping whole, so a key that is an alias of aliases of aliases costs as much as it expands to.
/// libyaml's events name anchors and aliases without following them, which costs what the text is long.
enum AliasExpansion {
  /// The line and column, from 1, at which a document goes beyond `limit` nodes. Nil when none does, or when the text is no
  /// YAML: Yams then says why.
  static func excess(over limit: Int, in source: String) -> (line: Int, column: Int)? {
    var source = source
    return source.withUTF8 { text in
      // Owned by this call; libyaml reads `text` in place and is done before it goes.
      var parser = unsafe yaml_parser_t()
      guard unsafe yaml_parser_initialize(&parser) == 1 else { return nil }
      defer { unsafe yaml_parser_delete(&parser) }
      unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      unsafe yaml_parser_set_input_string(&parser, text.baseAddress, text.count)
      var count = ExpandedCount()
      while true {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(&parser, &event) == 1 else { return nil }
        defer { unsafe yaml_event_delete(&event) }
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT: return nil
        case YAML_ALIAS_EVENT: count.alias(unsafe name(event.data.alias.anchor))
        case YAML_SCALAR_EVENT: count.scalar(unsafe name(event.data.scalar.anchor))
        case YAML_SEQUENCE_START_EVENT: count.begin(unsafe name(event.data.sequence_start.anchor))
        case YAML_MAPPING_START_EVENT: count.begin(unsafe name(event.data.mapping_start.anchor))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: count.end()
        default: break  // the stream's and the documents' own marks
        }
        if count.total > limit {
          let mark = unsafe event.start_mark
          return (Int(mark.line) + 1, Int(mark.column) + 1)
        }
      }
    }
  }

  private static func name(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    guard let text = unsafe text else { return nil }
    return unsafe String(cString: text)
  }
}

private struct ExpandedCount {
  private(set) var total = 0
  private var sizes: [String: Int] = [:]
  private var open: [(anchor: String?, before: Int)] = []

  mutating func scalar(_ anchor: String?) {
    total += 1
    if let anchor { sizes[anchor] = 1 }
  }

  mutating func begin(_ anchor: String?) {
    open.append((anchor, total))
    total += 1
  }

  mutating func end() {
    guard let (anchor, before) = open.popLast(), let anchor else { return }
    sizes[anchor] = total - before
  }

  /// One that names nothing counts as one node: composing refuses it.
  mutating func alias(_ anchor: String?) { total += anchor.flatMap { sizes[$0] } ?? 1 }
}
