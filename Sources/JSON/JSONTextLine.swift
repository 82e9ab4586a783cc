/// A line that holds text, or text before a record.
struct JSONTextLine: Sendable {
  enum State: Sendable { case open, over, record }

  let number: Int
  private(set) var state = State.open
  private var first: [UInt8] = []
  private var last: UInt8 = 0x20

  init(number: Int) { self.number = number }

  /// Takes up to the line's end, or up to a record on it.
  /// - Returns: where the text goes on.
  mutating func take(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> Int {
    for index in bytes.indices {
      let byte = bytes[index]
      if byte == 0x0A {
        state = .over
        return index
      }
      // `{"`: nothing but JSON begins like this.
      if byte == 0x7B {
        if index + 1 == bytes.endIndex, !isLast { return index }
        if index + 1 < bytes.endIndex, bytes[index + 1] == 0x22 {
          state = .record
          return index
        }
      }
      if first.count < 256 { first.append(byte) }
      if byte != 0x20, byte != 0x09, byte != 0x0D { last = byte }
    }
    return bytes.endIndex
  }

  /// True for `null`: a program's word for a list without anything in it.
  var isNull: Bool {
    let text = first.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    return String(decoding: text, as: UTF8.self).trimmingSuffix(while: \.isWhitespace) == "null"
  }

  /// Named as a record when it ends like one: the beginning was cut off.
  var items: [JSONSalvageReader.Item] {
    let text = first.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    if text.isEmpty || isNull { return [] }
    let isEnd = last == 0x7D || last == 0x5D || last == 0x2C
    guard isEnd, text.firstRange(of: Array("\":".utf8)) != nil else { return [.text(line: number)] }
    let place = JSONPosition(line: number, column: 1, offset: 0)
    return [.damaged(JSONError(.syntax, at: place, because: "a record without its beginning"), isRest: false)]
  }
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> SubSequence {
    self[..<(lastIndex { !predicate($0) }.map { index(after: $0) } ?? startIndex)]
  }
}
