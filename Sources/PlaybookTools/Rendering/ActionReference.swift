public import Capabilities
import Playbooks

/// The reference page of actions, docs/ACTIONS.md: Markdown, made from the signatures and the rules.
public enum ActionReference {
  /// The page; `catalogue` in the order of the page.
  public static func markdown(catalogue: [ActionSignature]) -> String {
    var text = """
      # Actions

      What a playbook may name after `uses:`. This page is made from the program's own declarations; do not edit it.

      | effect | meaning |
      | --- | --- |

      """
    for effect in ActionSignature.Effect.allCases {
      text += "| \(effect.rawValue) | \(meaning(of: effect)) |\n"
    }
    text += "\n| action | effect | what it does |\n| --- | --- | --- |\n"
    for action in catalogue {
      let anchor = action.id.filter { $0 != "." }
      text += "| [`\(action.id)`](#\(anchor)) | \(action.effect.rawValue) | \(cell(action.summary)) |\n"
    }
    for action in catalogue { text += "\n" + section(action) }
    return text + attributes() + rules()
  }

  private static func meaning(of effect: ActionSignature.Effect) -> String {
    switch effect {
    case .read: "Only looks. Runs for real while planning."
    case .reversible: "Can be taken back, or made good by a later step."
    case .irreversible: "Cannot be taken back: needs an approval before it, or a named policy exception."
    case .notify: "Tells people or systems. A failure never holds up containment."
    }
  }

  private static func section(_ action: ActionSignature) -> String {
    var text = "## \(action.id)\n\n\(action.summary) Effect: \(action.effect.rawValue).\n"
    if !action.answers.isEmpty {
      text += "\nAnswers, for `expect:`: " + action.answers.map { "`\($0)`" }.joined(separator: ", ") + ".\n"
    }
    if !action.inputs.isEmpty {
      text += "\n| input | type | | meaning |\n| --- | --- | --- | --- |\n"
      for input in action.inputs {
        let need = input.isRequired ? "required" : "optional"
        text += "| `\(input.name)` | \(type(input.type)) | \(need) | \(cell(input.summary)) |\n"
      }
    }
    if !action.outputs.isEmpty {
      text += "\n| output | type | meaning |\n| --- | --- | --- |\n"
      for output in action.outputs {
        text += "| `\(output.name)` | \(type(output.type)) | \(cell(output.summary)) |\n"
      }
    }
    return text
  }

  private static func attributes() -> String {
    var text = """

      # Attributes

      What an expression may ask of a target, for example `inputs.credential.lock`.

      | type | attribute | type of the attribute | meaning |
      | --- | --- | --- | --- |

      """
    for type in ValueType.simple {
      for attribute in TargetAttributes.attributes(of: type) {
        text += "| \(type) | `\(attribute.name)` | \(attribute.type) | \(cell(attribute.summary)) |\n"
      }
    }
    return text
  }

  private static func rules() -> String {
    var text = """

      # Rules

      What `staunch playbook lint` objects to. The ids are stable.

      | rule | name | severity | when it speaks |
      | --- | --- | --- | --- |

      """
    for rule in Rule.allCases {
      text += "| \(rule.rawValue) | \(rule.name) | \(rule.severity.rawValue) | \(cell(rule.summary)) |\n"
    }
    return text
  }

  private static func type(_ type: ValueType) -> String { "`\(type)`" }

  private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
}
