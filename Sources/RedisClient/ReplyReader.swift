import Capabilities
import Foundation
import JSON

/// Reads answers in RESP2 from bytes that come in pieces, and no more of them than ``Limits`` allow: the other end may be
/// anybody's.
/// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
struct ReplyReader {
  struct Limits {
    /// Of one answer: `CLIENT LIST` of 100,000 connections is 40 MB.
    var bytes = 64 << 20
    var elements = 1_000_000
    var line = 64 << 10
    /// No answer that we ask for is nested deeper than five.
    var depth = 16
  }

  private let limits: Limits
  private var bytes: [UInt8] = []
  private var position = 0
  private var elements = 0

  init(_ limits: Limits = Limits()) { self.limits = limits }

  private enum Part {
    case value(JSONValue)
    case error(String)
  }

  /// The next answer. `more` adds at least one byte, or throws.
  mutating func next(_ more: (inout [UInt8]) throws(LineFailure) -> Void) throws(LineFailure) -> RedisReply {
    bytes.removeFirst(position)
    position = 0
    elements = 0
    switch try part(0, more) {
    case .value(let value): return .value(value)
    case .error(let word): return .error(word)
    }
  }

  /// Whether something came that nobody has asked for.
  var hasRest: Bool { position < bytes.count }

  private mutating func part(_ depth: Int, _ more: (inout [UInt8]) throws(LineFailure) -> Void)
    throws(LineFailure) -> Part
  {
    elements += 1
    guard depth < limits.depth, elements <= limits.elements else { throw .tooLong }
    let line = try line(more)
    guard let type = line.first else { throw .unreadable }
    let rest = String(decoding: line.dropFirst(), as: UTF8.self)
    switch type {
    case UInt8(ascii: "+"): return .value(.string(rest))
    case UInt8(ascii: "-"): return .error(Self.word(rest))
    case UInt8(ascii: ":"):
      guard let number = Int(rest) else { throw .unreadable }
      return .value(.integer(number))
    case UInt8(ascii: "$"):
      guard let count = Int(rest), count >= 0 else {
        guard rest == "-1" else { throw .unreadable }
        return .value(.null)
      }
      return .value(.string(try text(count, more)))
    case UInt8(ascii: "*"):
      guard let count = Int(rest), count >= 0 else {
        guard rest == "-1" else { throw .unreadable }
        return .value(.null)
      }
      guard count <= limits.elements else { throw .tooLong }
      var list: [JSONValue] = []
      for _ in 0..<count {
        // An error inside of an answer belongs to none of our commands.
        guard case .value(let value) = try part(depth + 1, more) else { throw .unreadable }
        list.append(value)
      }
      return .value(.array(list))
    default: throw .unreadable
    }
  }

  /// Letters, digits and `_` alone: what stands there is shown.
  private static func word(_ text: String) -> String {
    let word = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }.prefix(32)
    return word.isEmpty ? "an error" : String(word)
  }

  private mutating func text(_ count: Int, _ more: (inout [UInt8]) throws(LineFailure) -> Void)
    throws(LineFailure) -> String
  {
    guard count <= limits.bytes else { throw .tooLong }
    while bytes.count - position < count + 2 { try grow(more) }
    let end = position + count
    // The length must be the text's own.
    guard bytes[end] == 0x0D, bytes[end + 1] == 0x0A else { throw .unreadable }
    defer { position = end + 2 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  /// Up to the next CR LF, which is passed over.
  private mutating func line(_ more: (inout [UInt8]) throws(LineFailure) -> Void) throws(LineFailure)
    -> [UInt8]
  {
    var end = position
    while true {
      while end + 1 < bytes.count {
        if bytes[end] == 0x0D, bytes[end + 1] == 0x0A {
          defer { position = end + 2 }
          return Array(bytes[position..<end])
        }
        end += 1
      }
      guard end - position <= limits.line else { throw .tooLong }
      try grow(more)
    }
  }

  private mutating func grow(_ more: (inout [UInt8]) throws(LineFailure) -> Void) throws(LineFailure) {
    // What was read of this answer already counts with it.
    guard bytes.count <= limits.bytes else { throw .tooLong }
    try more(&bytes)
  }
}
