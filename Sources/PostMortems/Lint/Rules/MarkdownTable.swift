import Foundation

/// A pipe table of a document: enough of one to look at rows by the titles of their columns.
struct MarkdownTable {
  struct Row {
    let cells: [String]
    let range: Range<Int>
    /// The text of a cell; placeholders count as empty.
    func cell(_ index: Int) -> String {
      guard cells.indices.contains(index) else { return "" }
      return ["…", "-", "—", "?", "TBD", "n/a"].contains(cells[index]) ? "" : cells[index]
    }
  }

  let titles: [String]
  let rows: [Row]

  /// The column whose title contains `word`.
  func column(_ word: String) -> Int? { titles.firstIndex { $0.lowercased().contains(word) } }

  static func all(in document: LintDocument, lines: Range<Int>) -> [MarkdownTable] {
    var tables: [MarkdownTable] = []
    var open: [Row] = []
    func close() {
      // Title, separator, rows.
      if open.count >= 2, open[1].cells.allSatisfy({ $0.allSatisfy { "-: ".contains($0) } }) {
        tables.append(MarkdownTable(titles: open[0].cells, rows: Array(open.dropFirst(2))))
      }
      open = []
    }
    for index in lines {
      let line = document.line(index)
      guard line.drop(while: { $0 == " " }).hasPrefix("|") else {
        close()
        continue
      }
      let start = document.lineStarts[index]
      open.append(Row(cells: cells(of: line), range: start..<(start + line.unicodeScalars.count)))
    }
    close()
    return tables
  }

  private static func cells(of line: String) -> [String] {
    var cells: [String] = []
    var current = ""
    var isEscaped = false
    for character in line.trimmingCharacters(in: .whitespaces).dropFirst() {
      if character == "|", !isEscaped {
        cells.append(current.trimmingCharacters(in: .whitespaces))
        current = ""
      } else {
        current.append(character)
      }
      isEscaped = character == "\\" && !isEscaped
    }
    let last = current.trimmingCharacters(in: .whitespaces)
    return last.isEmpty ? cells : cells + [last]
  }
}
