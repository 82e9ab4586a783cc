/// Something that a scenario lets go wrong. A drill in which it did not happen has shown nothing about it.
public struct Injection: Sendable, Hashable {
  /// The word of the scenario file.
  public let name: String
  /// How often it should have struck.
  public let wanted: Int
  public let struck: Int

  public init(_ name: String, wanted: Int, struck: Int) {
    self.name = name
    self.wanted = wanted
    self.struck = struck
  }
}
