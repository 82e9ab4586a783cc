import Playbooks

extension PlaybookGraph {
  /// A Mermaid flowchart, top to bottom. Source: mermaid.js.org/syntax/flowchart.html.
  public var mermaid: String {
    var text = "flowchart TD\n"
    text += Self.lines(of: boxes, indent: "  ")
    for (look, style) in Self.styles { text += "  classDef \(look) \(style)\n" }
    return text
  }

  private static let styles = [
    ("read", "fill:#e8f1fb,stroke:#2f6fab,color:#000"),
    ("reversible", "fill:#fff6dd,stroke:#b07d00,color:#000"),
    ("irreversible", "fill:#fde4e1,stroke:#b3261e,color:#000"),
    ("notify", "fill:#eeeeee,stroke:#666666,color:#000"),
    ("manual", "fill:#f1e8fb,stroke:#6f2fab,color:#000"),
    ("gate", "fill:#e6f5e9,stroke:#1e7d34,color:#000"),
    ("group", "fill:#ffffff,stroke:#999999,color:#000"),
    ("finally", "fill:#eeeeee,stroke:#666666,color:#000,stroke-dasharray:4"),
  ]

  /// The boxes of one column, each with an arrow from the one before.
  private static func lines(of boxes: [Box], indent: String) -> String {
    var text = ""
    for (index, box) in boxes.enumerated() {
      let label = box.lines.map(escaped).joined(separator: "<br/>")
      if box.columns.isEmpty {
        let (open, close) = box.look == .gate ? ("{{", "}}") : ("[", "]")
        text += "\(indent)\(box.name)\(open)\"\(label)\"\(close):::\(box.look.rawValue)\n"
      } else {
        text += "\(indent)subgraph \(box.name)[\"\(label)\"]\n"
        for column in box.columns { text += lines(of: column, indent: indent + "  ") }
        text += "\(indent)end\n"
      }
      if index > 0 { text += "\(indent)\(boxes[index - 1].name) --> \(box.name)\n" }
    }
    return text
  }

  /// Mermaid's entities, so that no text of a playbook becomes syntax.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "#", "<", ">", "&", "[", "]", "{", "}", "(", ")", "|", ";", "`":
        escaped += "#\(scalar.value);"
      case "\n", "\r", "\t": escaped += " "
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
