import Playbooks

extension PlaybookGraph {
  /// A complete SVG 1.1 document: no script, no font to load, legible in black and white (the look is also written).
  public var svg: String {
    let layout = Self.column(boxes, x: 20, y: 56)
    let width = layout.width + 40
    let height = layout.height + 76
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      font-family="sans-serif" font-size="13" role="img" aria-label="\(Self.escaped(title))">
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
      <path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>
      <rect width="\(width)" height="\(height)" fill="#fff"/>
      <text x="20" y="32" font-size="17" font-weight="bold">\(Self.escaped(title))</text>
      \(layout.text)</svg>

      """
  }

  private typealias Drawing = (text: String, width: Int, height: Int)

  private static let lineHeight = 18
  private static let gap = 26

  /// Boxes under each other, arrows between them.
  private static func column(_ boxes: [Box], x: Int, y: Int) -> Drawing {
    let width = boxes.map(width(of:)).max() ?? 0
    var text = ""
    var top = y
    for (index, box) in boxes.enumerated() {
      if index > 0 {
        let middle = x + width / 2
        text +=
          "<path d=\"M\(middle) \(top - gap)V\(top)\" stroke=\"#555\" fill=\"none\" marker-end=\"url(#arrow)\"/>\n"
      }
      let drawing = draw(box, x: x, y: top, width: width)
      text += drawing.text
      top += drawing.height + gap
    }
    return (text, width, max(0, top - y - gap))
  }

  private static func draw(_ box: Box, x: Int, y: Int, width: Int) -> Drawing {
    let head = box.lines.count * lineHeight + 14
    var inner = ""
    var left = x + 14
    var tallest = 0
    for column in box.columns {
      let drawing = self.column(column, x: left, y: y + head + 4)
      inner += drawing.text
      left += drawing.width + 16
      tallest = max(tallest, drawing.height)
    }
    let height = box.columns.isEmpty ? head : head + tallest + 18
    let (fill, stroke) = colours(of: box.look)
    let dash = box.look == .finally ? " stroke-dasharray=\"5 3\"" : ""
    var text =
      "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" rx=\"\(box.look == .gate ? 14 : 4)\""
    text +=
      " fill=\"\(fill)\" stroke=\"\(stroke)\" stroke-width=\"\(box.look == .irreversible ? 2 : 1)\"\(dash)/>\n"
    for (index, line) in box.lines.enumerated() {
      let baseline = y + 20 + index * lineHeight
      let weight = index == 0 ? " font-weight=\"bold\"" : ""
      text += "<text x=\"\(x + 12)\" y=\"\(baseline)\"\(weight)>\(escaped(line))</text>\n"
    }
    return (text + inner, width, height)
  }

  /// Room for the longest line (about 7.3 units a character in bold) and for the columns inside.
  private static func width(of box: Box) -> Int {
    let text = (box.lines.map(\.count).max() ?? 0) * 75 / 10 + 26
    let columns = box.columns.map { $0.map(width(of:)).max() ?? 0 }
    return max(text, columns.isEmpty ? 0 : columns.reduce(0, +) + (columns.count - 1) * 16 + 28)
  }

  private static func colours(of look: Box.Look) -> (fill: String, stroke: String) {
    switch look {
    case .read: ("#e8f1fb", "#2f6fab")
    case .reversible: ("#fff6dd", "#b07d00")
    case .irreversible: ("#fde4e1", "#b3261e")
    case .notify, .finally: ("#eeeeee", "#666666")
    case .manual: ("#f1e8fb", "#6f2fab")
    case .gate: ("#e6f5e9", "#1e7d34")
    case .group: ("#ffffff", "#999999")
    }
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case _ where scalar.value < 0x20: escaped += " "
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
