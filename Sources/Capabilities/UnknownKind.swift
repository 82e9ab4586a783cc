extension TargetConfiguration {
  /// The error for a `kind:` that no adapter has.
  /// - Parameter noun: what the registry's entries are called: `credential provider`.
  public func unknownKind(_ noun: String, known: [String]) -> CapabilityError {
    CapabilityError(
      .configuration, "\(position): \(name)", because: "there is no \(noun) of kind \"\(kind)\"",
      fix: "use one of: \(known.joined(separator: ", "))")
  }
}
