import Secrets

/// A hit with what is needed to clean it.
struct FoundSecret {
  /// Index of the expression.
  let pattern: Int
  let form: SecretForm
  /// Where it stands; more than one range when it is split.
  let pieces: [Range<Int>]
  /// Index in ``CompiledPatterns/forms``, or nil for an expression and for what stands behind escapes.
  let formIndex: Int?
  /// What is put in its place where no form says so.
  let expansion: [UInt8]?
  /// How base64 behind escapes is changed.
  let edits: [ByteEdit]?

  /// From the first to the last byte, gaps included.
  var span: Range<Int> { pieces[0].lowerBound..<pieces[pieces.count - 1].upperBound }
}

/// A range of bytes and what replaces it.
struct ByteEdit {
  let range: Range<Int>
  let replacement: [UInt8]
}

extension UnsafeBufferPointer<UInt8> {
  /// A copy with `edits`, ascending and without overlaps, made.
  func applying(_ edits: [ByteEdit]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count + edits.reduce(0) { $0 + $1.replacement.count - $1.range.count })
    var position = 0
    for edit in edits {
      result += self[position..<edit.range.lowerBound]
      result += edit.replacement
      position = edit.range.upperBound
    }
    result += self[position...]
    return result
  }
}
