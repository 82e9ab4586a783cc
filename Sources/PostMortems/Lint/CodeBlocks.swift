import Foundation

/// Tells the lines of code blocks from prose: fences of any length and indentation, indented blocks, front matter.
///
/// Source: CommonMark 0.31 §4.4, §4.5. Lists only decide how far code must be indented.
struct CodeBlocks {
  private(set) var lines: Set<Int> = []
  private var fence: (mark: Unicode.Scalar, length: Int)?
  private var isAfterBlank = true
  private var wasIndentedCode = false
  /// The column at which the text of the open list's last item begins.
  private var listColumn: Int?
  private let frontMatter: Range<Int>

  init(frontMatter: Range<Int>) { self.frontMatter = frontMatter }

  /// The lines of YAML before a document, its marks included; empty when there is none.
  static func frontMatter(of text: [Unicode.Scalar], _ lines: [Range<Int>]) -> Range<Int> {
    func isMark(_ line: Range<Int>, _ marks: [String]) -> Bool {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: text[line])
      return marks.contains(String(view).trimmingCharacters(in: .whitespaces))
    }
    guard let first = lines.first, isMark(first, ["---"]),
      let end = lines.dropFirst().firstIndex(where: { isMark($0, ["---", "..."]) })
    else { return 0..<0 }
    return 0..<(end + 1)
  }

  /// Takes the next line.
  /// - Returns: true when it is code.
  mutating func take(_ line: ArraySlice<Unicode.Scalar>, number: Int) -> Bool {
    let isCode = frontMatter.contains(number) || isCode(line)
    if isCode { lines.insert(number) }
    return isCode
  }

  private mutating func isCode(_ line: ArraySlice<Unicode.Scalar>) -> Bool {
    let content = line.drop { $0 == " " || $0 == "\t" }
    let mark = content.first ?? " "
    let run = mark == "`" || mark == "~" ? content.prefix { $0 == mark }.count : 0
    if let open = fence {
      let rest = content.dropFirst(run)
      if mark == open.mark, run >= open.length, rest.allSatisfy({ $0 == " " || $0 == "\t" }) { fence = nil }
      return true
    }
    if run >= 3, mark == "~" || !content.dropFirst(run).contains("`") {
      fence = (mark, run)
      (isAfterBlank, wasIndentedCode) = (false, false)
      return true
    }
    guard !content.isEmpty else {
      isAfterBlank = true
      return false
    }
    let indent = CodeBlocks.width(line.dropLast(content.count))
    defer { isAfterBlank = false }
    if indent >= (listColumn ?? 0) + 4, isAfterBlank || wasIndentedCode {
      wasIndentedCode = true
      return true
    }
    wasIndentedCode = false
    if let column = CodeBlocks.itemColumn(content) {
      listColumn = indent + column
    } else if let column = listColumn, indent < column, isAfterBlank || indent == 0 && content.first == "#" {
      listColumn = nil
    }
    return false
  }

  /// Of white space; a tab reaches the next multiple of four.
  private static func width(_ space: ArraySlice<Unicode.Scalar>) -> Int {
    space.reduce(0) { $1 == "\t" ? ($0 / 4 + 1) * 4 : $0 + 1 }
  }

  /// How wide a list item's mark with the space behind it is; nil when the line begins no item.
  private static func itemColumn(_ content: ArraySlice<Unicode.Scalar>) -> Int? {
    let digits = content.prefix { ("0"..."9").contains($0) }.count
    let mark = content.dropFirst(digits).first
    let isMark = digits == 0 ? ["-", "*", "+"].contains(mark) : digits < 10 && (mark == "." || mark == ")")
    guard isMark else { return nil }
    let rest = content.dropFirst(digits + 1)
    let space = rest.prefix { $0 == " " || $0 == "\t" }
    guard !space.isEmpty || rest.isEmpty else { return nil }
    return digits + 1 + (space.count > 4 ? 1 : max(space.count, 1))
  }
}
