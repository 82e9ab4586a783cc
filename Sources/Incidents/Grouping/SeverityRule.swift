/// How bad an incident is, from what the report says. A person may set another severity.
public enum SeverityRule {
  /// - sev1: it works or is public, and opens production (a critical kind)
  /// - sev2: it works or is public; or a critical kind of which nobody knows; or somebody stepped into a trap
  /// - sev3: everything else that may work
  /// - sev4: refused by its provider, a test-mode key, a vendor's example
  public static func severity(
    kind: CredentialKind, validity: Validity, exposure: Exposure, restraint: Restraint?,
    table: KindTable = .builtin
  ) -> Severity {
    switch restraint {
    case .example, .testKey: return .sev4
    case .canary: return .sev2
    case .unknownKind, .genericKind, .missingValue, nil: break
    }
    let isCritical = table.row(of: kind)?.isCritical ?? false
    if validity == .active || exposure.isPubliclyLeaked == true { return isCritical ? .sev1 : .sev2 }
    if validity == .inactive { return .sev4 }
    return isCritical ? .sev2 : .sev3
  }
}
