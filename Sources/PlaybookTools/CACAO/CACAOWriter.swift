import JSON
import Playbooks

/// Writes imported steps as a playbook. Every text is a JSON string, which YAML 1.2 reads as it is.
struct CACAOWriter {
  let document: JSONValue
  let steps: [ImportedStep]
  let inputs: [String: String]

  var yaml: String {
    let id = document["id"]?.string ?? ""
    let modified = document["modified"]?.string ?? ""
    var text = """
      # Imported from CACAO 2.0: \(id), modified \(modified.filter { $0.isASCII && !$0.isNewline }).
      # Nothing is known about what these steps do: each counts as irreversible and none can be predicted.
      playbook: 1
      id: \(id)
      title: \(JSONValue.quoted(document["name"]?.string ?? ""))
      description: \(quoted(document["description"]?.string ?? ""))
      deadline: 1d

      """
    if !inputs.isEmpty {
      text += "inputs:\n"
      for (name, summary) in inputs.sorted(by: { $0.key < $1.key }) {
        text += "  \(name): {type: string, description: \(quoted(summary))}\n"
      }
    }
    text += "steps:\n  - {id: approve-import, title: Run an imported playbook, approve: {within: 1h}}\n"
    for step in steps { text += lines(of: step, indent: "  ") }
    return text
  }

  private func lines(of step: ImportedStep, indent: String) -> String {
    var text = "\(indent)- id: \(step.id)\n\(indent)  title: \(quoted(step.title))\n"
    if !step.guards.isEmpty {
      text += "\(indent)  when: \(JSONValue.quoted(step.guards.joined(separator: " && ")))\n"
    }
    switch step.body {
    case .manual(let instructions, let collect):
      text += "\(indent)  manual: \(JSONValue.quoted(instructions))\n"
      if !collect.isEmpty {
        text += "\(indent)  collect: {" + collect.map { "\($0): string" }.joined(separator: ", ") + "}\n"
      }
      text += "\(indent)  timeout: \(DurationText.text(of: step.timeout))\n"
    case .http(let method, let url, let body):
      text += "\(indent)  uses: http.request\n\(indent)  with:\n"
      text += "\(indent)    method: \(method)\n\(indent)    url: \(JSONValue.quoted(url))\n"
      if let body { text += "\(indent)    body: \(JSONValue.quoted(body))\n" }
      text += "\(indent)  undo: {none: imported from CACAO; nothing is known about its effect}\n"
      text += "\(indent)  timeout: \(DurationText.text(of: step.timeout))\n"
    case .parallel(let branches):
      text += "\(indent)  parallel:\n"
      for branch in branches { text += lines(of: branch, indent: indent + "    ") }
    }
    if step.isContinuing { text += "\(indent)  on_failure: continue\n" }
    return text
  }

  /// Fixed text: `${{` in it stays what it is, because such keys take no expressions.
  private func quoted(_ text: String) -> String { JSONValue.quoted(text.replacing("${{", with: "$ {{")) }
}
