extension JSONValue {
  /// Parses exactly one value of RFC 8259, strictly: see ``JSONTokenizer`` and ``JSONLimits``.
  ///
  /// - Throws: ``JSONError`` with line and column; it never quotes the text.
  public init(parsing bytes: some Collection<UInt8>, limits: JSONLimits = .standard) throws(JSONError) {
    var reader = JSONRecordReader([JSONPath()], limits: limits)
    var records = try reader.feed(ArraySlice(Array(bytes)))
    records += try reader.finish()
    guard let record = records.first else {
      throw JSONError(.unexpectedEnd, at: reader.position, because: "the text ends here, inside a value")
    }
    self = record.value
  }

  /// Parses exactly one value from text.
  public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONError) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }
}
