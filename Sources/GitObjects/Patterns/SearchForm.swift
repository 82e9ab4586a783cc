import Secrets

/// One spelling of one secret: the bytes that the search compares, and how a replacement is spelled in their place.
struct SearchForm {
  /// Index of the expression.
  let pattern: Int
  let entry: SecretForms.Entry
  /// Only these bytes count: no other escape of a character, no gap (`literal:`).
  let isExact: Bool

  var bytes: [UInt8] { entry.bytes }
  var spelling: Spelling { entry.spelling }
  var form: SecretForm { entry.form }
  var isBase64: Bool { spelling.isBase64 }
  var canBeSplit: Bool { !isExact && spelling.canBeSplit }

  /// The bytes alone.
  static func literal(_ bytes: [UInt8], pattern: Int) -> SearchForm? {
    SecretForms.entries(of: bytes).first.map { SearchForm(pattern: pattern, entry: $0, isExact: true) }
  }
}
