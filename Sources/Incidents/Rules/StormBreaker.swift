/// Stops automatic steps when so much leaks at once that a scanner's mistake is likelier than a disaster, and when a
/// mistake would rotate everything.
public struct StormBreaker: Sendable, Hashable {
  /// What is counted. All numbers include the delivery at hand.
  public struct Load: Sendable, Hashable {
    /// Distinct new incidents of this delivery or report.
    public var newInDelivery: Int
    /// Distinct new incidents of the last ten minutes.
    public var newInTenMinutes: Int
    /// Rotations waiting or running, by provider.
    public var rotationsByProvider: [String: Int]
    public init(newInDelivery: Int, newInTenMinutes: Int = 0, rotationsByProvider: [String: Int] = [:]) {
      self.newInDelivery = newInDelivery
      self.newInTenMinutes = newInTenMinutes
      self.rotationsByProvider = rotationsByProvider
    }
  }

  /// The breaker's word.
  public enum Decision: Sendable, Hashable {
    case proceed
    /// No destructive step without a person; containment only where the route allows it. Notify once.
    case hold(because: String)
  }

  public var newInDelivery: Int
  public var newInTenMinutes: Int
  public var rotationsOfOneProvider: Int

  /// Holds above 50 new incidents in one delivery, 100 in ten minutes, or 20 rotations of one provider.
  public init(newInDelivery: Int = 50, newInTenMinutes: Int = 100, rotationsOfOneProvider: Int = 20) {
    self.newInDelivery = newInDelivery
    self.newInTenMinutes = newInTenMinutes
    self.rotationsOfOneProvider = rotationsOfOneProvider
  }

  /// Decides for `load`.
  public func decide(_ load: Load) -> Decision {
    if load.newInDelivery > newInDelivery {
      return .hold(
        because: "\(load.newInDelivery) new incidents in one delivery (more than \(newInDelivery))")
    }
    if load.newInTenMinutes > newInTenMinutes {
      return .hold(
        because: "\(load.newInTenMinutes) new incidents in ten minutes (more than \(newInTenMinutes))")
    }
    for (provider, count) in load.rotationsByProvider.sorted(by: { $0.key < $1.key })
    where count > rotationsOfOneProvider {
      return .hold(because: "\(count) rotations wait at \(provider) (more than \(rotationsOfOneProvider))")
    }
    return .proceed
  }
}

/// How a batch of new incidents is told to people.
public enum BatchNotice: Sendable, Hashable {
  /// One message for each incident.
  case each
  /// One message: some incidents in full, the rest counted.
  case summary(shown: Int, counted: Int)

  /// Up to 25 new incidents of one report or push: one message each; above: a summary with ten in full.
  public static func of(newIncidents count: Int) -> BatchNotice {
    count <= 25 ? .each : .summary(shown: 10, counted: count - 10)
  }

  /// True when a further place of an open incident may be told: at most once in fifteen minutes.
  public static func mayTellAgain(after elapsed: Duration?) -> Bool {
    guard let elapsed else { return true }
    return elapsed >= .seconds(15 * 60)
  }
}
