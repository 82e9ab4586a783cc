public import JSON
import Playbooks

/// Turns a strict subset of CACAO 2.0 into a playbook of our own language, as YAML text for a person to read.
///
/// Taken: `start`, `end`, `action` with one `manual` or `http-api` command, `parallel` with one step per branch,
/// `if-condition` with one comparison of a variable, `on_success`, `on_failure`, `timeout`, external variables.
/// Everything else is refused here, by step id: inline passwords, loops, joins, delays, shells, unknown properties.
/// Imported steps count as irreversible: the playbook begins with an approval.
/// Source: OASIS CACAO Security Playbooks 2.0, §4 (workflow steps) and §5 (commands).
public enum CACAOImport {
  /// - Throws: everything that is wrong or outside the subset.
  public static func yaml(from document: JSONValue) throws(CACAOError) -> String {
    var validator = CACAOValidator(document)
    validator.checkDocument()
    guard validator.problems.isEmpty else { throw CACAOError(validator.problems) }
    var flow = CACAOFlow(validator)
    let steps = flow.steps()
    guard flow.problems.isEmpty else { throw CACAOError(flow.problems) }
    return CACAOWriter(document: document, steps: steps, inputs: flow.inputs).yaml
  }
}

/// What is wrong with a CACAO playbook, or outside the subset.
public struct CACAOError: Error, Sendable, Hashable, CustomStringConvertible {
  public struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// The step's id, or a property of the playbook.
    public let place: String
    /// One sentence, starting lower-case.
    public let because: String

    public var description: String { "\(place): \(because)" }
  }

  /// At least one.
  public let problems: [Problem]

  init(_ problems: [Problem]) { self.problems = problems }

  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The semantic checks that the published JSON schemas do not make.
struct CACAOValidator {
  let document: JSONValue
  let workflow: [String: JSONValue]
  private(set) var problems: [CACAOError.Problem] = []

  init(_ document: JSONValue) {
    self.document = document
    workflow = document["workflow"]?.object ?? [:]
  }

  /// Which properties a step of each type may have here; another type is outside the subset.
  private static let properties: [String: Set<String>] = [
    "start": ["type", "name", "description", "on_completion"],
    "end": ["type", "name", "description"],
    "action": [
      "type", "name", "description", "on_completion", "on_success", "on_failure", "timeout", "commands",
      "agent",
      "targets", "step_variables", "in_args", "out_args", "external_references", "owner", "delay",
    ],
    "parallel": ["type", "name", "description", "on_completion", "next_steps", "agent"],
    "if-condition": [
      "type", "name", "description", "on_completion", "condition", "on_true", "on_false", "step_variables",
    ],
  ]

  private mutating func report(_ place: String, _ because: String) {
    problems.append(CACAOError.Problem(place: place, because: because))
  }

  mutating func checkDocument() {
    if document["type"] != "playbook" { report("type", "must be \"playbook\"") }
    if document["spec_version"] != "cacao-2.0" { report("spec_version", "must be \"cacao-2.0\"") }
    if document["revoked"] == true { report("revoked", "the author has revoked this playbook") }
    for property in ["id", "name", "created", "modified", "workflow_start"]
    where document[property]?.string == nil {
      report(property, "is missing")
    }
    if let id = document["id"]?.string, !Self.isIdentifier(id, of: ["playbook"]) {
      report("id", "must be playbook-- and a UUID")
    }
    checkAuthentication()
    guard !workflow.isEmpty else { return report("workflow", "is missing or empty") }
    if let start = document["workflow_start"]?.string, workflow[start]?["type"] != "start" {
      report("workflow_start", "\(start) is no step of type start")
    }
    for (id, step) in workflow.sorted(by: { $0.key < $1.key }) { check(step, id) }
  }

  /// A password in a file that people share is leaked already.
  private mutating func checkAuthentication() {
    for (id, definition) in (document["authentication_info_definitions"]?.object ?? [:]).sorted(by: {
      $0.key < $1.key
    }) {
      let secret = ["password", "private_key", "token", "oauth_header", "private_key_passphrase"]
        .first { definition[$0]?.string != nil }
      report(
        id,
        secret.map { "holds the secret \"\($0)\" in plain text" }
          ?? "authentication is given by staunch.yaml only")
    }
  }

  private mutating func check(_ step: JSONValue, _ id: String) {
    guard let type = step["type"]?.string, let allowed = Self.properties[type] else {
      return report(id, "steps of type \(step["type"]?.string ?? "(none)") are outside the subset")
    }
    if !Self.isIdentifier(id, of: [type]) { report(id, "the id must be \(type)-- and a UUID") }
    for property in (step.object ?? [:]).keys.sorted() where !allowed.contains(property) {
      report(id, "the property \"\(property)\" is outside the subset")
    }
    for property in ["on_completion", "on_success", "on_failure", "on_true", "on_false"] {
      if let target = step[property]?.string, workflow[target] == nil {
        report(id, "\(property) names \(target), which does not exist")
      }
    }
    for target in step["next_steps"]?.array ?? [] where target.string.map({ workflow[$0] == nil }) ?? true {
      report(id, "next_steps names \(target.string ?? "something"), which does not exist")
    }
    if type != "end", step["on_completion"] == nil, step["on_success"] == nil, type != "parallel" {
      report(id, "nothing says what comes after it")
    }
    if step["on_completion"] != nil, step["on_success"] != nil || step["on_failure"] != nil {
      report(id, "on_completion excludes on_success and on_failure")
    }
    if let delay = step["delay"]?.integer, delay > 0 { report(id, "delays are outside the subset") }
  }

  /// `type--` and a UUID in lower case.
  static func isIdentifier(_ text: String, of types: [String]) -> Bool {
    types.contains { type in
      guard text.hasPrefix(type + "--") else { return false }
      let groups = text.dropFirst(type.count + 2).split(separator: "-", omittingEmptySubsequences: false)
      return groups.map(\.count) == [8, 4, 4, 4, 12]
        && groups.allSatisfy { $0.allSatisfy { "0123456789abcdef".contains($0) } }
    }
  }
}
