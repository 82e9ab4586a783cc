public import Capabilities

/// Every ticket system and notifier, one line each.
public enum TicketSystemRegistry {
  public static let all: [any TicketSystem.Type] = [
    StandardWebhook.self,
    GitHubIssues.self,
    MarkdownFiles.self,
  ]

  /// The system of an entry under `trackers:`. - Throws: `.configuration`.
  public static func make(_ target: TargetConfiguration, in environment: AdapterEnvironment)
    throws(CapabilityError) -> any TicketSystem
  {
    guard let type = all.first(where: { $0.kind == target.kind }) else {
      throw target.unknownKind("tracker", known: all.map { $0.kind })
    }
    return try type.init(target, in: environment)
  }
}
