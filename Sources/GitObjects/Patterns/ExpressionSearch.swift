import CPcre2

/// One search with a compiled expression: first as fast as it goes, then with more room, and with an error when that is not
/// enough.
///
/// The machine stack of compiled expressions is 32 KiB: a private key of 25 lines is too long for `(a|b)+` on it. Source:
/// pcre2jit(3), "Controlling the JIT stack".
final class ExpressionSearch {
  private let code: OpaquePointer
  private let what: String
  private let block: OpaquePointer
  private let context: OpaquePointer
  private var stack: OpaquePointer?

  /// Bytes for the compiled expression's stack on its second try.
  private static let largestStack = 64 << 20
  /// KiB for the interpreter on the third.
  private static let heap: UInt32 = 256 << 10

  /// - Throws: `.system` without memory.
  init(code: OpaquePointer, what: String) throws(GitObjectsError) {
    guard let context = pcre2_match_context_create_8(nil) else { throw ExpressionSearch.noMemory(what) }
    guard let block = pcre2_match_data_create_from_pattern_8(code, nil) else {
      pcre2_match_context_free_8(context)
      throw ExpressionSearch.noMemory(what)
    }
    self.code = code
    self.what = what
    self.block = block
    self.context = context
    pcre2_set_heap_limit_8(context, ExpressionSearch.heap)
  }

  deinit {
    pcre2_match_data_free_8(block)
    pcre2_match_context_free_8(context)
    if let stack { pcre2_jit_stack_free_8(stack) }
  }

  struct Found {
    /// Groups that took part, the whole match among them.
    let count: Int
    /// Start and end of each; valid until the next search.
    let ends: UnsafeMutablePointer<Int>
  }

  /// The first match from `start` on, or nil when there is none.
  func next(_ text: UnsafePointer<UInt8>, _ count: Int, from start: Int) throws(GitObjectsError) -> Found? {
    var status = pcre2_match_8(code, text, count, start, 0, block, context)
    if status == PCRE2_ERROR_JIT_STACKLIMIT, growStack() {
      status = pcre2_match_8(code, text, count, start, 0, block, context)
    }
    if status == PCRE2_ERROR_JIT_STACKLIMIT {
      status = pcre2_match_8(code, text, count, start, UInt32(PCRE2_NO_JIT), block, context)
    }
    if status == PCRE2_ERROR_NOMATCH { return nil }
    guard status > 0, let ends = pcre2_get_ovector_pointer_8(block) else { throw failure(status) }
    return Found(count: Int(status), ends: ends)
  }

  private func growStack() -> Bool {
    guard stack == nil, let made = pcre2_jit_stack_create_8(64 << 10, ExpressionSearch.largestStack, nil)
    else {
      return false
    }
    stack = made
    pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(made))
    return true
  }

  private func failure(_ status: Int32) -> GitObjectsError {
    var message = [UInt8](repeating: 0, count: 200)
    pcre2_get_error_message_8(status, &message, message.count)
    let text = String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
    return GitObjectsError(
      .unsupported, what: "\(what) cannot be searched",
      why: "PCRE2 gave up (\(text)), so it is not known whether it matches",
      fix:
        "write it simpler: a class such as [A-Za-z0-9+/=\\s] instead of alternatives, and a bound such as {1,5000}"
    )
  }

  private static func noMemory(_ what: String) -> GitObjectsError {
    GitObjectsError(
      .system, what: "\(what) cannot be searched", why: "there is no memory left", fix: "close other programs"
    )
  }
}
