public import Capabilities
public import Incidents
public import Playbooks

/// Judges whether a playbook is safe. The loader has already judged that it is one.
public enum Linter {
  /// Every rule, in the order of their ids.
  static let rules: [any LintRule] = [
    UnprovenEffectRule(), MissingVerifyRule(), MissingUndoRule(), UnapprovedEffectRule(), UnreachableRule(),
    HistoryBeforeContainmentRule(), MissingDeadlineRule(), UnusedInputRule(), BlindRepeatRule(),
    ReEnabledRule(),
    UnprovenDeathRule(), LateEvidenceRule(), SilentFailureRule(), MissingLockRule(), UnmeetableGateRule(),
  ]

  /// What the rules object to, by position.
  public static func diagnostics(of playbook: Playbook) -> [Diagnostic] {
    rules.flatMap { $0.check(playbook) }.sorted { ($0.position, $0.rule) < ($1.position, $1.rule) }
  }

  /// Loads and judges one file.
  ///
  /// - Parameters:
  ///   - isFile: it is a file of a playbook directory, by whose name the playbook will be looked for.
  ///   - roles: roles that somebody holds, where the configuration says so; a gate that asks for others is questioned.
  public static func lint(
    source: String, file: String, catalogue: [ActionSignature],
    includes: any PlaybookSources = NoPlaybookSources(), isFile: Bool = false, roles: Set<RoleName>? = nil
  ) -> [Diagnostic] {
    do {
      let playbook = try Playbook.load(source: source, file: file, catalogue: catalogue, includes: includes)
      var found = diagnostics(of: playbook)
      if let roles { found += UnmeetableGateRule.unheld(in: playbook, roles: roles) }
      if isFile, let misnamed = playbook.misnamed(source) { found.append(misnamed) }
      return found.sorted { ($0.position, $0.rule) < ($1.position, $1.rule) }
    } catch {
      return error.diagnostics
    }
  }

  /// As above, for a file as it is on the disk.
  public static func lint(
    bytes: some Collection<UInt8>, file: String, catalogue: [ActionSignature],
    includes: any PlaybookSources = NoPlaybookSources(), isFile: Bool = false, roles: Set<RoleName>? = nil
  ) -> [Diagnostic] {
    do {
      return lint(
        source: try PlaybookText.decode(bytes, file: file), file: file, catalogue: catalogue,
        includes: includes,
        isFile: isFile, roles: roles)
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
