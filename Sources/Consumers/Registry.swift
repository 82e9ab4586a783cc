public import Capabilities

/// Every kind of consumer, one line each.
public enum ConsumerRegistry {
  public static let all: [any Consumer.Type] = [
    CommandConsumer.self,
    KubernetesWorkload.self,
    ExternalSecret.self,
    ECSService.self,
    RenderedFile.self,
    SystemdUnit.self,
  ]

  /// The consumer of an entry under `consumers:`. - Throws: `.configuration`.
  public static func make(_ target: TargetConfiguration, in environment: AdapterEnvironment)
    throws(CapabilityError) -> any Consumer
  {
    guard let type = all.first(where: { $0.kind == target.kind }) else {
      throw target.unknownKind("consumer", known: all.map { $0.kind })
    }
    return try type.init(target, in: environment)
  }
}
