package import JSON

/// What `doctor` says of the routes of `receiver:`: deliveries that are proven, stored, and then of no use.
package enum ReceiverAdvice {
  package struct Finding: Sendable, Hashable {
    /// `receiver.routes[2]`
    package let place: String
    package let because: String
    package let fix: String
  }

  /// Every route, in order, whose deliveries lead to nothing.
  /// - Parameter sources: the platforms that staunch.yaml names under `sources:`.
  package static func findings(_ receiver: JSONValue, sources: Set<String>) -> [Finding] {
    (receiver["routes"]?.array ?? []).enumerated().compactMap { index, route in
      let path = route["path"]?.string ?? "?"
      let place = "receiver.routes[\(index)]"
      switch route["kind"]?.string {
      case "github" where !sources.contains("github"):
        return Finding(
          place: place,
          because:
            "\(path): GitHub's alerts hold no secret, and no source says where to fetch it: they stay without a plan",
          fix: "add under sources: a source of kind github with a token that may read secret scanning alerts")
      case "pagerduty":
        return Finding(
          place: place,
          because:
            "\(path): PagerDuty's events name no secret: they are stored, and nothing is done with them",
          fix: "remove the route; messages to PagerDuty go by trackers:")
      case "alertmanager":
        return Finding(
          place: place,
          because:
            "\(path): Alertmanager's alerts name no secret: they are stored, and nothing is done with them",
          fix: "remove the route; a scanner's findings come by a route of kind report")
      default: return nil  // its deliveries become incidents, or the endpoint itself refuses it
      }
    }
  }
}
