public import Capabilities
import Incidents

/// Judges whether a playbook is safe. The loader has already judged that it is one.
public enum Linter {
  /// Every rule, in the order of their ids.
  static let rules: [any LintRule] = [
    UnprovenEffectRule(), MissingVerifyRule(), MissingUndoRule(), UnapprovedEffectRule(), UnreachableRule(),
    HistoryBeforeContainmentRule(), MissingDeadlineRule(), UnusedInputRule(), BlindRepeatRule(),
    ReEnabledRule(),
    UnprovenDeathRule(), LateEvidenceRule(), SilentFailureRule(), MissingLockRule(),
  ]

  /// What the rules object to, by position.
  public static func diagnostics(of playbook: Playbook) -> [Diagnostic] {
    rules.flatMap { $0.check(playbook) }.sorted { ($0.position, $0.rule) < ($1.position, $1.rule) }
  }

  /// Loads and judges one file.
  public static func lint(
    source: String, file: String, catalogue: [ActionSignature],
    includes: any PlaybookSources = NoPlaybookSources()
  ) -> [Diagnostic] {
    do {
      return diagnostics(
        of: try Playbook.load(source: source, file: file, catalogue: catalogue, includes: includes))
    } catch {
      return error.diagnostics
    }
  }
}

/// One idea of the linter. Each has a file and a test of its own.
protocol LintRule: Sendable {
  /// Its stable id.
  var rule: Rule { get }
  /// Reads only.
  func check(_ playbook: Playbook) -> [Diagnostic]
}

extension Playbook {
  /// The steps that a policy exception covers: for these, rules about approval and order do not speak.
  var excepted: Set<String> { Set(exceptions.flatMap(\.steps).map(\.rawValue)) }
}
