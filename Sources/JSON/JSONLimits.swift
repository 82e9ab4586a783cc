/// How much JSON is accepted: a hostile text must not cost more memory or stack than these.
public struct JSONLimits: Sendable, Hashable {
  /// Arrays and objects inside one another.
  public var depth: Int
  /// Values in one parsed value, counting itself; also the members of one object.
  public var nodes: Int
  /// UTF-8 bytes of one string or name.
  public var stringBytes: Int
  /// Characters of one number.
  public var numberBytes: Int
  /// Bytes of text of one parsed value; everything that is not kept has no such bound.
  public var valueBytes: Int

  public init(
    depth: Int = 64, nodes: Int = 200_000, stringBytes: Int = 1 << 20, numberBytes: Int = 64,
    valueBytes: Int = 32 << 20
  ) {
    self.depth = depth
    self.nodes = nodes
    self.stringBytes = stringBytes
    self.numberBytes = numberBytes
    self.valueBytes = valueBytes
  }

  /// Depth 64, 200,000 nodes, strings of 1 MiB, numbers of 64 characters, values of 32 MiB.
  public static let standard = JSONLimits()

  /// For what this program wrote itself: as large as it made it. Never for what comes from outside.
  public static let own = JSONLimits(
    depth: 512, nodes: .max, stringBytes: .max, numberBytes: 4096, valueBytes: .max)
}
