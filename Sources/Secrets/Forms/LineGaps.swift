/// What stands between the lines of a value of several: line ends, written or as they are, indentation, and the marks that
/// comments, diffs and quoted mail put before each line.
public enum LineGaps {
  /// `<br>`, `<br/>` or `<br />` at `start`: its end, or nil.
  public static func breakEnd(_ text: Span<UInt8>, from start: Int) -> Int? {
    guard start + 4 <= text.count, text[start] == UInt8(ascii: "<"),
      text[start + 1] | 0x20 == UInt8(ascii: "b"),
      text[start + 2] | 0x20 == UInt8(ascii: "r")
    else { return nil }
    var place = start + 3
    while place < text.count, text[place] == 0x20 || text[place] == UInt8(ascii: "/") { place += 1 }
    return place < text.count && place < start + 8 && text[place] == UInt8(ascii: ">") ? place + 1 : nil
  }

  /// The start of a `<br>` that ends at `end`, or nil.
  public static func breakStart(_ text: Span<UInt8>, endingAt end: Int) -> Int? {
    guard end >= 4, text[end - 1] == UInt8(ascii: ">") else { return nil }
    for start in stride(from: end - 4, through: max(0, end - 8), by: -1)
    where text[start] == UInt8(ascii: "<") { return breakEnd(text, from: start) == end ? start : nil }
    return nil
  }

  /// The end of one mark and the spaces behind it, at the start of a line; nil where there is none.
  ///
  /// A `+`, `-` or `*` is a mark alone, so that a line that begins with one keeps it behind the mark of a diff.
  public static func markEnd(_ text: Span<UInt8>, from start: Int) -> Int? {
    guard start < text.count else { return nil }
    let mark = text[start]
    var place = start + 1
    switch mark {
    case UInt8(ascii: "#"), UInt8(ascii: ";"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: "!"),
      UInt8(ascii: "%"):
      while place < text.count, text[place] == mark { place += 1 }
    case UInt8(ascii: "/"):
      guard place < text.count, text[place] == mark else { return nil }
      place += 1
      // Of documentation: `///` and `//!`.
      if place + 1 < text.count, text[place] == mark || text[place] == UInt8(ascii: "!"),
        text[place + 1] == 0x20
      {
        place += 1
      }
    case UInt8(ascii: "-"):
      if place + 1 < text.count, text[place] == mark, text[place + 1] == 0x20 { place += 1 }
    case UInt8(ascii: "+"), UInt8(ascii: "*"): break
    default: return nil
    }
    while place < text.count, text[place] == 0x20 || text[place] == 0x09 { place += 1 }
    return place
  }

  /// Where the text of a line may begin whose first character that is no space stands at `start`: there, and behind one to
  /// three marks.
  public static func textStarts(_ text: Span<UInt8>, from start: Int) -> [Int] {
    var result = [start]
    while result.count < 4, let end = markEnd(text, from: result[result.count - 1]) { result.append(end) }
    return result
  }

  /// Whether `byte` may be a part of a mark.
  public static func isMark(_ byte: UInt8) -> Bool { marks.contains(byte) }
  private static let marks = Set("#;>|!%/-+*".utf8)
}
