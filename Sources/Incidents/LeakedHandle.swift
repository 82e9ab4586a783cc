public import Secrets

extension SecretRef {
  /// The handle of a leaked value: `INCIDENT/leaked` for the first, `INCIDENT/leaked-FINGERPRINT` for each other one.
  public static func leaked(of incident: IncidentID, further fingerprint: Fingerprint? = nil) -> SecretRef {
    SecretRef("\(incident)/leaked" + (fingerprint.map { "-\($0.tail)" } ?? ""))
  }

  /// True for the handle of a leaked value of `incident`.
  public func isLeaked(of incident: IncidentID) -> Bool {
    rawValue == "\(incident)/leaked" || rawValue.hasPrefix("\(incident)/leaked-")
  }
}

extension Fingerprint {
  /// Sixteen digits: enough that no two values of one incident share them.
  fileprivate var tail: String {
    String((rawValue.split(separator: ":").last.map(String.init) ?? rawValue).prefix(16))
  }
}
