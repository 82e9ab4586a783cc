/// A place in a text file. It prints as `file:line:column`, which terminals and editors make clickable.
public struct SourcePosition: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// As the caller named the file.
  public let file: String
  /// From 1.
  public let line: Int
  /// From 1, in Unicode scalars.
  public let column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }

  public static func < (one: Self, other: Self) -> Bool {
    (one.file, one.line, one.column) < (other.file, other.line, other.column)
  }
}
