/// Why the receiver does not start.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The place in the file, for example `routes[2].keys`.
  public let place: String
  public let because: String
  public let fix: String?

  init(_ place: String, because: String, fix: String? = nil) {
    self.place = place
    self.because = because
    self.fix = fix
  }

  public var description: String { "\(place): \(because)" + (fix.map { "; fix: \($0)" } ?? "") }
}
