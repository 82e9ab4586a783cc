import Capabilities
import Playbooks

/// The reference page of the playbook language, docs/PLAYBOOKS.md: made from the same grammars as the decoder.
public enum LanguageReference {
  /// The page, in Markdown.
  public static var markdown: String {
    var text = """
      # Playbooks

      The language, version 1. This page is made from the program's own declarations; do not edit it.
      Actions, attributes and lint rules: [ACTIONS.md](ACTIONS.md). For editors: [playbook.schema.json](playbook.schema.json).

      A playbook is one YAML 1.2 document (core schema: `yes`, `no`, `on`, `off` are text; duplicate keys are refused).
      `steps` run one after the other; `finally` runs at the end in any case.

      ## Kinds of steps

      | a step with | does |
      | --- | --- |
      | `uses` | calls one action; `verify` or `expect` proves it, `undo` takes it back |
      | `parallel` | runs its steps at the same time |
      | `manual` | asks a person, and collects what they hand in |
      | `playbook` | runs another playbook as part of this one; its steps are `ID.STEP` |
      | `approve` alone | waits for a yes |

      Any of them may have `when` (asked once, before approval and loop), `approve` and `on_failure`; all but the last
      may have `for_each`. A loop does not stand inside a loop. Every step that has not run because the run ended
      counts as skipped in `finally`.

      ## Parts

      `- include: NAME` in `steps` or `finally` puts the steps of `parts/NAME.yaml` in its place (`parts/` beside the playbooks; one of
      your own stands in for the built-in one of its name). What comes of it is one flat playbook: the steps keep their own ids, see
      the inputs and steps before them, and are planned, run, skipped and undone like the others; a diagnostic names the part's file and
      line. The part's inputs are added to the playbook's, which keeps its own where both declare one. Every part is pinned with the
      playbook. A part stands in a playbook once, and is judged there only.

      ## Expressions

      `when` is an expression; elsewhere an expression stands in `${{ }}`. A value that is one `${{ }}` keeps its type;
      text around it makes text. `$${{` stands for itself. A secret can only be handed to an input of type `secret` or `list<secret>`; one counts as a list of one, and lists in brackets are joined.

      Names: `inputs.NAME`, `steps.ID.OUTPUT`, `self.OUTPUT` (in `verify` and `undo`), the loop's item.
      Literals: `"text"`, `'text'`, `42`, `5m`, `true`, `false`, `null`, `[1, 2]`.
      Operators: `== != < <= > >= && || ! in`. There is no arithmetic.
      Functions:
      """
    text += " " + Function.allCases.map { "`\($0.usage)`" }.joined(separator: ", ") + ".\n"
    text += """

      While planning, what is not known yet makes an expression *maybe*, unless the rest decides it: `false && maybe` is
      false. Outputs of a step that failed or was skipped are null; null counts as false and equals only null.

      ## Types

      """
    text += "\n" + ValueType.simple.map { "`\($0)`" }.joined(separator: ", ") + ", `list<…>`.\n"
    for grammar in Grammar.all { text += section(grammar) }
    return text
  }

  private static func section(_ grammar: Grammar) -> String {
    var text = "\n## Keys of `\(grammar.name)`\n\n| key | value | | meaning |\n| --- | --- | --- | --- |\n"
    for key in grammar.keys {
      let meaning = key.summary.replacing("|", with: "\\|")
      text += "| `\(key.name)` | \(phrase(key.shape)) | \(key.isRequired ? "required" : "") | \(meaning) |\n"
    }
    return text
  }

  private static func phrase(_ shape: Grammar.Shape) -> String {
    switch shape {
    case .text: "text"
    case .identifier: "name"
    case .condition: "condition"
    case .template: "text with `${{ }}`"
    case .boolean: "true or false"
    case .duration: "duration"
    case .type: "type"
    case .digest: "64 hex digits"
    case .integer(atLeast: let minimum): "number ≥ \(minimum)"
    case .constant(let number): "\(number)"
    case .word(let words): words.map { "`\($0)`" }.joined(separator: " or ")
    case .list(let element): "list of " + phrase(element)
    case .map(let value): "mapping to " + phrase(value)
    case .object(let name): "`\(name)`"
    case .either(let shapes): shapes.map(phrase).joined(separator: ", or ")
    case .data: "any value with `${{ }}`"
    }
  }
}
