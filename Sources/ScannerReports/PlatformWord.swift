/// What a platform says became of what it reported: `resolved as revoked`, `ignored as test_credential`, `reopened`.
enum PlatformWord {
  /// - Parameters:
  ///   - state: one of our words.
  ///   - reason: the platform's; left out when it is more than a plain word.
  static func of(_ state: String, as reason: String? = nil) -> String {
    guard let reason, (1...40).contains(reason.utf8.count),
      reason.utf8.allSatisfy({ byte in
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
      })
    else { return state }
    return "\(state) as \(reason)"
  }
}
