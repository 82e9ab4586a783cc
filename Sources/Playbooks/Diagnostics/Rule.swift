/// Everything that the loader and the linter can object to. The raw values are stable: people put them in their CI.
///
/// PB0…: the text is no playbook (the loader refuses it). PB1…: it is one, but not a safe one (lint). PB2…: of provider files.
public enum Rule: String, Sendable, Codable, CaseIterable, Comparable {
  case syntax = "PB001"
  case duplicateKey = "PB002"
  case unknownKey = "PB003"
  case missingKey = "PB004"
  case wrongShape = "PB005"
  case badIdentifier = "PB006"
  case expressionSyntax = "PB007"
  case unknownName = "PB008"
  case wrongType = "PB009"
  case unknownAction = "PB010"
  case wrongInputs = "PB011"
  case secretInText = "PB012"
  case shellInterpolation = "PB013"
  case unsupportedVersion = "PB014"
  case include = "PB015"
  case nestedLoop = "PB016"
  case misplacedKey = "PB017"
  case expectation = "PB018"

  case unprovenEffect = "PB101"
  case missingVerify = "PB102"
  case missingUndo = "PB103"
  case unapprovedEffect = "PB104"
  case unreachable = "PB105"
  case historyBeforeContainment = "PB106"
  case missingDeadline = "PB107"
  case unusedInput = "PB108"
  case blindRepeat = "PB109"
  case reEnabled = "PB110"
  case unprovenDeath = "PB111"
  case lateEvidence = "PB112"
  case silentFailure = "PB113"
  case missingLock = "PB114"
  case unmeetableGate = "PB115"

  case undocumentedProvider = "PB201"
  case missingExchange = "PB202"
  case otherVerdict = "PB203"
  case unsafeCall = "PB204"

  public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}

extension Rule {
  /// A word for people, for example `unknown-key`.
  public var name: String { description.name }
  /// One sentence: what is wrong when this rule speaks.
  public var summary: String { description.summary }
  /// How bad it is.
  public var severity: Diagnostic.Severity { description.severity }

  private var description: (name: String, severity: Diagnostic.Severity, summary: String) {
    switch self {
    case .syntax: ("yaml-syntax", .error, "The file is not one YAML 1.2 document.")
    case .duplicateKey: ("duplicate-key", .error, "A mapping has the same key twice.")
    case .unknownKey: ("unknown-key", .error, "The language has no such key here.")
    case .missingKey: ("missing-key", .error, "A key that is needed is missing.")
    case .wrongShape: ("wrong-shape", .error, "A value has the wrong form for its key.")
    case .badIdentifier: ("bad-identifier", .error, "A name is malformed or used twice.")
    case .expressionSyntax: ("expression-syntax", .error, "An expression cannot be read.")
    case .unknownName: ("unknown-name", .error, "An expression uses a name that does not exist there.")
    case .wrongType: ("wrong-type", .error, "A value has the wrong type.")
    case .unknownAction: ("unknown-action", .error, "There is no such action.")
    case .wrongInputs: ("wrong-inputs", .error, "An action's inputs are not what it declares.")
    case .secretInText: ("secret-in-text", .error, "A secret would stand where text goes out.")
    case .shellInterpolation: ("shell-interpolation", .error, "A value would be pasted into a shell string.")
    case .unsupportedVersion: ("unsupported-version", .error, "The language version is not known here.")
    case .include:
      ("include", .error, "A sub-playbook or a part is missing, changed, misplaced or in itself.")
    case .nestedLoop: ("nested-loop", .error, "A loop stands inside a loop.")
    case .misplacedKey: ("misplaced-key", .error, "A key does not apply to this kind of step.")
    case .expectation: ("expectation", .error, "An answer is expected that the action never gives.")
    case .unprovenEffect:
      ("unproven-effect", .error, "A step changes the world and has neither `verify` nor `undo`.")
    case .missingVerify:
      ("missing-verify", .warning, "A step changes the world and nothing proves it worked.")
    case .missingUndo: ("missing-undo", .warning, "A step changes the world and does not say how to undo it.")
    case .unapprovedEffect:
      ("unapproved-effect", .error, "An irreversible step has no approval before it and no policy exception.")
    case .unreachable: ("unreachable", .error, "A step can never run.")
    case .historyBeforeContainment:
      ("history-before-containment", .error, "History is rewritten before the credential is contained.")
    case .missingDeadline: ("missing-deadline", .error, "Something may wait for ever.")
    case .unusedInput: ("unused-input", .warning, "An input is declared and never used.")
    case .blindRepeat:
      ("blind-repeat", .error, "An effect with an unknown outcome would be repeated blindly.")
    case .reEnabled: ("re-enabled", .error, "An undo would bring a leaked secret back.")
    case .unprovenDeath:
      ("unproven-death", .warning, "A credential is contained and never proven dead by consecutive answers.")
    case .lateEvidence: ("late-evidence", .warning, "Evidence is read after it is gone.")
    case .silentFailure:
      ("silent-failure", .error, "A safety-relevant step may fail without stopping the run.")
    case .missingLock: ("missing-lock", .warning, "Two runs could work on one credential at once.")
    case .unmeetableGate: ("unmeetable-gate", .warning, "A gate asks for people whom nobody can be.")
    case .undocumentedProvider:
      ("undocumented-provider", .error, "A provider file does not say where it comes from, or what it needs.")
    case .missingExchange:
      ("missing-exchange", .error, "A provider file has no recorded exchange for each verdict.")
    case .otherVerdict:
      ("other-verdict", .error, "A recorded exchange is read otherwise than it was recorded.")
    case .unsafeCall:
      ("unsafe-call", .error, "A call of a provider file could reach or change what it must not.")
    }
  }
}
