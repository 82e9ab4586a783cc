import CPcre2

/// A regular expression over bytes, with the meaning it has in Python's `re` as far as PCRE2 shares it.
///
/// Invariant for @unchecked: compiled code is immutable; every search allocates its own match block.
final class ByteExpression: @unchecked Sendable {
  struct Match {
    let range: Range<Int>
    /// The text of every group; nil for one that took no part.
    let groups: [Range<Int>?]
  }

  private let code: OpaquePointer
  private let what: String
  private let groupCount: Int
  let wording: ExpressionWording

  /// - Throws: `.badPattern` with the position of the error, without the expression.
  init(_ source: [UInt8], what: String) throws(GitObjectsError) {
    var number: Int32 = 0
    var position = 0
    guard
      let code = pcre2_compile_8(
        source, source.count, UInt32(PCRE2_NEVER_UTF),
        &number, &position, nil)
    else {
      var message = [UInt8](repeating: 0, count: 200)
      pcre2_get_error_message_8(number, &message, message.count)
      let text = String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
      throw GitObjectsError(
        .badPattern, what: what, why: "the regular expression is wrong at byte \(position): \(text)",
        fix: "correct the expression; its syntax is PCRE2's")
    }
    self.code = code
    self.what = what
    wording = ExpressionWording(source)
    pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))  // without JIT it is only slower
    var count: UInt32 = 0
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
    groupCount = Int(count)
  }

  deinit { pcre2_code_free_8(code) }

  /// Every match in `text`, from left to right, without overlaps. Empty matches are left out: they hold no secret.
  /// - Throws: `.unsupported` when PCRE2 gives up: an error is never "no match".
  func matches(in text: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> [Match] {
    guard let base = text.baseAddress else { return [] }
    let search = try ExpressionSearch(code: code, what: what)
    var result: [Match] = []
    var start = 0
    while start <= text.count {
      guard let found = try search.next(base, text.count, from: start) else { break }
      let ends = found.ends
      let range = Int(ends[0])..<max(Int(ends[0]), Int(ends[1]))
      if range.isEmpty {
        start = max(start, range.upperBound) + 1
        continue
      }
      let groups = (0...groupCount).map { group -> Range<Int>? in
        guard group < found.count, ends[group * 2] != Int.max, ends[group * 2] <= ends[group * 2 + 1],
          ends[group * 2 + 1] <= text.count
        else { return nil }
        return Int(ends[group * 2])..<Int(ends[group * 2 + 1])
      }
      result.append(Match(range: range, groups: groups))
      start = max(start + 1, range.upperBound)
    }
    return result
  }

  /// The number of the group `name`, or nil.
  func group(named name: [UInt8]) -> Int? {
    let number = pcre2_substring_number_from_name_8(code, name + [0])
    return number > 0 ? Int(number) : nil
  }

  var groups: Int { groupCount }
}
