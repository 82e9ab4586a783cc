public import Incidents

// What holds for an incident that no route of the file speaks of.
extension Configuration.Route {
  /// Plans with `playbook` what the incident itself names. Nothing runs without a person, and tickets stay here.
  public static func standard(_ playbook: PlaybookID) -> Configuration.Route {
    Configuration.Route(
      kinds: [], repositories: [], sources: [], validities: [], playbook: playbook, credential: nil,
      store: nil,
      consumers: nil, targets: [], tracker: nil, autonomy: .plan, actions: [], position: standardPosition)
  }

  /// It stands in no file.
  public var isStandard: Bool { position == Self.standardPosition }

  private static let standardPosition = "built in"
}
