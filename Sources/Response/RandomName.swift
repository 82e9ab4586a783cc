/// Names that nobody gave.
package enum RandomName {
  /// `length` random letters of Crockford's base 32 (none that look alike), for ids.
  package static func of(_ length: Int) -> String {
    let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")
    var generator = SystemRandomNumberGenerator()
    return String((0..<length).map { _ in letters[Int.random(in: 0..<32, using: &generator)] })
  }
}
